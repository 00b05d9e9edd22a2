"""What an alias means now, as the real ssh reads its configuration."""

import shutil
from pathlib import Path

import pytest

from lnode.laptop.settings import HostSettings
from lnode.locate.address import as_it_is_now, resolved
from lnode.ssh.target import Resolving

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="no OpenSSH client here")


def test_an_alias_that_leads_where_it_did_is_the_same(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host unity\n    HostName 192.0.2.1\n    Port 22\n")
    settings = HostSettings()
    target = resolved(Resolving("unity", str(config)), None, settings).target
    assert as_it_is_now(target, settings) is target
    config.write_text("Host unity\n    HostName 192.0.2.1\n    ProxyJump gate\n")
    again = as_it_is_now(target, settings)
    assert (again.alias, again.proxy_jump) == ("unity", ("gate",))
    config.write_text("Host unity\n    Nonsense yes\n")
    assert as_it_is_now(again, settings) is again
