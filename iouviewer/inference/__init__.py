"""Running detectors in a process of their own: protocol, worker, the driver of the worker, trust."""
