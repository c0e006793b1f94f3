"""Microsoft Entra ID: discovery and the token endpoint of the client credentials grant."""
