"""Counts what a test expects, and says so as Check does."""

_checks = _failures = 0


def expect(good, what):
    global _checks, _failures
    _checks += 1
    if not good:
        _failures += 1
        print(what)


def finish():
    """Prints the sum; the exit code of the test."""
    print(f"Checks: {_checks}, Failures: {_failures}, Errors: 0")
    return _failures != 0
