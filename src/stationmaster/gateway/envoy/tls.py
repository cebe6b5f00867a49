"""TLS at an entrance: the certificate is sent on its own, so that a new one disturbs no open connection."""

from typing import Any

from envoy.config.core.v3 import base_pb2
from envoy.extensions.transport_sockets.tls.v3 import common_pb2, secret_pb2, tls_pb2

from stationmaster.gateway.envoy.parts import from_control, pack
from stationmaster.gateway.ir_policy import Certificate

CERTIFICATE = "stationmaster.certificate"


def secret(certificate: Certificate) -> Any:
    return secret_pb2.Secret(
        name=CERTIFICATE,
        tls_certificate={
            "certificate_chain": {"inline_string": certificate.chain},
            "private_key": {"inline_string": certificate.key},
        },
    )


def transport() -> Any:
    """TLS 1.2 or newer; HTTP/2 or HTTP/1.1, as the client prefers."""
    context = tls_pb2.DownstreamTlsContext(
        common_tls_context={
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": common_pb2.TlsParameters.TLSv1_2},
            "tls_certificate_sds_secret_configs": [{"name": CERTIFICATE, "sds_config": from_control()}],
        }
    )
    return base_pb2.TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(context))
