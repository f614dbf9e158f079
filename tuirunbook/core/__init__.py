"""What is true and what may be done: values and pure functions, without I/O and without a clock."""
