"""Keys whose value is a credential."""

from typing import Final

_KEYS_OF_CREDENTIALS: Final = """
    password passwd passphrase pwd secret client_secret secret_key secret_access_key aws_secret_access_key api_key
    apikey x_api_key access_key private_key signing_key encryption_key token access_token refresh_token id_token
    auth_token session_token bearer_token csrf_token xsrf_token api_token authorization proxy_authorization
    www_authenticate cookie set_cookie cookies credentials credential x_auth_token x_csrf_token x_amz_security_token
    connection_string langfuse_secret_key otp
"""

SECRET_KEYS: Final = frozenset(_KEYS_OF_CREDENTIALS.split())
"""Keys, as words joined by `_`, whose value is a credential."""
