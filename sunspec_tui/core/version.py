"""The version, where modules can name it without loading the package's interface."""

__version__ = "0.1.0"
