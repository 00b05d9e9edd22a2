"""`--rescue`: a process that nothing protects, brought into a session."""
