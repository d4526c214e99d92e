"""Settings, import sheet, run, trust, class picker."""
