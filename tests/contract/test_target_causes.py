"""Words that say more of a reason: each that the code can give has a text, or is one."""

from __future__ import annotations

import re

import pytest

from sshcredential_operator.api.target_causes import CAUSES
from sshcredential_operator.api.target_messages import target_message
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.host_certificates import CertificateFault
from sshcredential_operator.ssh.install_causes import InstallCause


@pytest.mark.parametrize("cause", list(InstallCause))
def test_what_keeps_a_key_from_being_installed_has_a_text(cause: InstallCause) -> None:
    assert cause.value in CAUSES


@pytest.mark.parametrize("fault", list(CertificateFault))
def test_what_is_wrong_with_a_certificate_goes_on_with_the_sentence(fault: CertificateFault) -> None:
    told = target_message(TargetReason.HOST_CERTIFICATE_REFUSED, {"host": "h", "port": 22, "cause": fault.value})

    assert re.match(r"The host certificate of h port 22 (is|has|names|cannot) [^.]*\. No login was tried\. ", told)
