"""Which addresses may be reached: nothing private, nothing at which clouds hand out credentials, whatever it is written like."""

import socket
import threading

import pytest

from driftline.channels.addresses import Refused, is_allowed, reachable, system_addresses, target, within

PUBLIC = [
    "93.184.216.34",
    "8.8.8.8",
    "2606:4700:4700::1111",
    "2a00:1450:4001:800::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 -- what must not be reached
    "0.1.2.3",
    "10." + "0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.1.1",
    "192.0.2.1",
    "198.18.0.1",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:0:127.0.0.1",
    "::ffff:169.254.1.1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "3fff::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:a9fe:101::1",  # 6to4 of 169.254.1.1
    "64:ff9b::7f00:1",  # translated 127.0.0.1
    "64:ff9b:1::808:808",
    "4000::1",
]
METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "100.100.100.200",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
]


def answering(*addresses):
    return lambda host, port: list(addresses)


def checked(*addresses, allow=()):
    return reachable("hooks.example.com", 443, allow=allow, resolve=answering(*addresses))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address):
    assert checked(address) == [address]


@pytest.mark.parametrize("address", [*PRIVATE, *METADATA])
def test_private_addresses_are_refused(address):
    with pytest.raises(Refused):
        checked(address)


@pytest.mark.parametrize("address", [each for each in PRIVATE if not each.startswith(("224.", "ff02:"))])
def test_a_host_in_allow_may_be_private(address):
    assert checked(address, allow=("hooks.example.com",)) == [address]


@pytest.mark.parametrize("address", METADATA)
def test_where_credentials_are_handed_out_is_never_reached(address):
    with pytest.raises(Refused, match="never reached"):
        checked(address, allow=("hooks.example.com", address))
    with pytest.raises(Refused):
        reachable(address, 80, allow=(address,), resolve=system_addresses)


@pytest.mark.parametrize(
    "order", [("8.8.8.8", "127.0.0.1"), ("127.0.0.1", "8.8.8.8"), ("8.8.8.8", "::1"), ("2606:4700:4700::1111", "fe80::1")]
)
def test_one_private_address_among_public_ones_refuses_the_host(order):
    with pytest.raises(Refused, match="private network"):
        checked(*order)


def test_what_is_no_address_is_refused():
    for said in ((), ("somewhere",), ("",)):
        with pytest.raises(Refused):
            checked(*said)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "017700000001", "localhost"])
def test_other_ways_to_write_this_machine(host):
    parts = target(f"https://{host}/", ())
    with pytest.raises(Refused, match="private network"):
        reachable(parts.hostname, 443, allow=(), resolve=system_addresses)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/x", "http://"),
        ("ftp://hooks.example.com/x", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://127.0.0.1:70/_x", "https://"),
        ("hooks.example.com", "https://"),
        ("", "https://"),
        ("https://", "no host"),
        ("https:///x", "no host"),
        ("https://user:canary@hooks.example.com/x", "password"),
        ("https://user@hooks.example.com/x", "password"),
        ("https://hooks.example.com\\@127.0.0.1/x", "password"),
        ("https://hooks.example.com/a b", "no URL"),
        ("https://hooks.example.com/\r\nX-Evil: 1", "no URL"),
        ("https://hooks.example.com/\x00", "no URL"),
        ("https://h\u00f6oks.example.com/", "no URL"),
        ("https://hooks.example.com\u3002evil.com/", "no URL"),
        ("https://hooks.example.com:0x1bb/", "no URL"),
        ("https://hooks.example.com:99999/", "no URL"),
        ("https://hooks.example.com:22/", "port 22"),
        ("https://hooks.example.com:0/", "no port"),
        ("https://[::1/", "no URL"),
        ("https://[v1.x]/", "no host"),
        ("https://exa$mple.com/", "no host"),
        ("https://-x.com/", "no host"),
        ("https://%31%32%37.0.0.1/", "no host"),
        ("https://hooks.example.com/" + "x" * 3_000, "2000"),
    ],
)
def test_urls_that_are_refused_and_not_repeated(url, why):
    with pytest.raises(Refused) as caught:
        target(url, ())
    assert why in str(caught.value)
    assert "canary" not in str(caught.value)
    assert "example" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com", "https://hooks.example.com:8443/a?b=c#d", "https://[2606:4700::1]/", "HTTPS://Hooks.Example.com./"]
)
def test_urls_that_are_taken(url):
    assert target(url, ()).scheme == "https"


def test_a_host_in_allow_may_be_plain_and_on_any_port():
    assert target("http://alerts.internal:93/x", ("Alerts.Internal.",)).port == 93
    assert target("http://[::1]:9093/x", ("::1",)).hostname == "::1"
    with pytest.raises(Refused):
        target("http://evil.alerts.internal:93/x", ("alerts.internal",))


def test_allow_names_hosts_exactly():
    assert is_allowed("127.0.0.1", ("127.0.0.1",))
    assert is_allowed("0:0:0:0:0:0:0:1", ("[::1]",))
    assert not is_allowed("xexample.com", ("example.com",))
    assert not is_allowed("example.com", ())


def test_a_resolver_that_hangs_is_left_behind():
    never = threading.Event()
    with pytest.raises(TimeoutError):
        within(lambda host, port: [str(never.wait(2))], "x", 1, 0.05)
    never.set()


def test_a_resolver_that_fails_says_so():
    def fail(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "no")

    with pytest.raises(socket.gaierror):
        within(fail, "x", 1, 1.0)
    with pytest.raises(socket.gaierror):
        within(system_addresses, "x" * 70 + ".example", 1, 5.0)
