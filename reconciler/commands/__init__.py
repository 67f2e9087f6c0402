"""What each command does, one verb a file: the function of its name returns its exit code."""
