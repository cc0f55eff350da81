"""`python -m certtrace` is the command `certtrace`."""

from certtrace.cli import main

if __name__ == "__main__":
    main()
