"""BinderHub builds with short-lived credentials from Daypass."""

__version__ = "0.1.0"
