"""What arrives: unpacked within limits, decoded, redacted where it comes from elsewhere, and stored."""
