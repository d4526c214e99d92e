"""The project file: SQLite schema, migrations, the writer thread, history."""
