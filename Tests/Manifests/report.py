# A line for each check, and the sum of them.


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, problems):
        """Passes if there are no problems: texts that say what is wrong and where."""
        problems = list(problems)
        if problems:
            self.failed += 1
            print(f"FAILED  {name}")
            for problem in problems:
                print(f"        {problem}")
        else:
            self.passed += 1
            print(f"ok      {name}")
        return not problems

    def skip(self, name, reason):
        self.skipped += 1
        print(f"SKIPPED {name}: {reason}")

    def close(self):
        print(f"Manifests: {self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0
