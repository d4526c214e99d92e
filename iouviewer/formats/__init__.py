"""Readers and writers of annotation files, one small module a format, one registry."""
