"""The web pages: every view a URL, rendered here, without scripts from elsewhere."""
