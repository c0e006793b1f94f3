"""Promise 8: the product does not start unsafe."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from apiconnect.safety import PROVIDER_HOSTS, load_development_keys, require_provider_urls, require_secrets

REAL = {
    "MICROSOFT_LOGIN_URL": "https://login.microsoftonline.com",
    "MICROSOFT_GRAPH_URL": "https://graph.microsoft.com/v1.0",
    "GOOGLE_TOKEN_URL": "https://oauth2.googleapis.com/token",
    "GMAIL_URL": "https://gmail.googleapis.com",
}
LOCAL = dict.fromkeys(REAL, "http://127.0.0.1:8025/x")


@pytest.mark.parametrize("missing", ["secret_key", "field_encryption_keys"])
def test_it_refuses_to_start_without_a_secret_when_debug_is_off(missing):
    values = {"secret_key": "x", "field_encryption_keys": Fernet.generate_key().decode(), missing: ""}
    with pytest.raises(ImproperlyConfigured, match=missing.upper()):
        require_secrets(debug=False, **values)


def test_it_refuses_an_encryption_key_that_is_none():
    with pytest.raises(ImproperlyConfigured, match="no Fernet key"):
        require_secrets(debug=True, secret_key="x", field_encryption_keys="not-a-key")


def test_it_takes_the_providers_own_hosts_and_national_clouds():
    require_provider_urls(REAL, sandbox=False)
    require_provider_urls(
        {**REAL, "MICROSOFT_GRAPH_URL": "https://microsoftgraph.chinacloudapi.cn/v1.0"}, sandbox=False
    )


@pytest.mark.parametrize("name", sorted(PROVIDER_HOSTS))
@pytest.mark.parametrize(
    "url",
    [
        "http://{host}",
        "https://{host}.evil.example",
        "https://evil.example/{host}",
        "https://{host}@evil.example",
        "https://{host}:8443",
        "http://127.0.0.1:8025",
    ],
)
def test_it_refuses_any_other_address_of_a_provider(name, url):
    host = sorted(PROVIDER_HOSTS[name])[0]
    with pytest.raises(ImproperlyConfigured, match=name):
        require_provider_urls({**REAL, name: url.format(host=host)}, sandbox=False)


def test_the_sandbox_is_on_loopback_only():
    require_provider_urls(LOCAL, sandbox=True)
    for foreign in ("https://graph.microsoft.com/v1.0", "http://10.0.0.7:8025", "http://sandbox:8025"):
        with pytest.raises(ImproperlyConfigured, match="this machine"):
            require_provider_urls({**LOCAL, "MICROSOFT_GRAPH_URL": foreign}, sandbox=True)


def test_development_keys_are_made_once_for_their_owner_only(tmp_path):
    path = tmp_path / "deep" / "keys.json"
    first = load_development_keys(path)
    assert load_development_keys(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(p.name for p in path.parent.iterdir()) == ["keys.json"]


def test_a_command_without_secrets_fails_and_says_what_to_set():
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=root,
        env={"PATH": os.environ["PATH"], "DEBUG": "false", "ENV_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "SECRET_KEY is not set and DEBUG is off" in result.stderr
