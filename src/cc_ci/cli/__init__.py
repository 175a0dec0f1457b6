"""Commands: one file each, its flags and its story; the only place that prints or exits."""
