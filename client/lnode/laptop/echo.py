"""The echo of your terminal, which a program turns off to read a password."""


def is_off() -> bool:
    """True if a program reads a line from the terminal without an echo."""
    try:
        import termios
    except ImportError:  # Windows
        return False
    try:
        modes = termios.tcgetattr(0)[3]
    except (OSError, termios.error):  # no terminal
        return False
    return bool(modes & termios.ICANON) and not modes & termios.ECHO
