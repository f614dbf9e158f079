"""Clear a stuck Terraform state lock safely."""

__version__ = "0.1.0"
