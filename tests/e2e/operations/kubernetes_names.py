"""The variables that Kubernetes puts into every container."""


def injected(service: str = "TIDINGS", host: str = "10.96.3.7", port: int = 8080) -> dict[str, str]:
    """What Kubernetes puts into every container of a namespace for a service with a named port."""
    netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    found = {
        f"{service}_SERVICE_HOST": host,
        f"{service}_SERVICE_PORT": str(port),
        f"{service}_SERVICE_PORT_HTTP": str(port),
        f"{service}_PORT": f"tcp://{netloc}",
    }
    for protocol in ("tcp", "udp", "sctp"):
        one = f"{service}_PORT_{port}_{protocol.upper()}"
        found[one] = f"{protocol}://{netloc}"
        found |= {f"{one}_PROTO": protocol, f"{one}_PORT": str(port), f"{one}_ADDR": host}
    return found
