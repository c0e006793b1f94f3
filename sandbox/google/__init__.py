"""Google's OAuth 2.0 token endpoint for service accounts."""
