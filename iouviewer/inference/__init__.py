"""Running detectors in a separate process: protocol, worker, runner (the program's side), adapters and trust."""
