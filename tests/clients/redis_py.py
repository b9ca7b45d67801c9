"""redis-py against a server on the port given: RESP2 and RESP3, pipelines, scanning, documents, errors."""
import sys
import warnings

import redis

warnings.simplefilter("error")
port = int(sys.argv[1])

for protocol in (2, 3):
    r = redis.Redis(port=port, protocol=protocol, decode_responses=True)
    r.flushall()
    assert r.ping() is True
    assert r.set("k", "v") is True
    assert r.get("k") == "v"
    assert r.get("nosuch") is None
    assert r.set("k", "other", nx=True) is None
    assert r.set("k", "new", xx=True, get=True) == "v"
    assert r.mset({"a": 1, "b": 2}) is True
    assert r.mget("a", "b", "nosuch") == ["1", "2", None]
    assert r.exists("a", "b", "nosuch") == 2
    assert r.dbsize() == 3
    assert sorted(r.scan_iter()) == ["a", "b", "k"]
    assert sorted(r.keys("*")) == ["a", "b", "k"]
    assert r.type("a") == "string"
    assert r.delete("a", "b") == 2
    pipe = r.pipeline(transaction=False)
    for i in range(1000):
        pipe.set(f"key{i}", i)
        pipe.get(f"key{i}")
    answers = pipe.execute()
    assert answers[1::2] == [str(i) for i in range(1000)]
    assert r.execute_command("PUT", "d", '{"a": {"b": 1}}') in ("CREATED", b"CREATED")
    assert r.get("d") == '{"a":{"b":1}}'
    assert r.execute_command("JSON.DEL", "d", "$.a.b") == 1
    assert r.info()["redis_version"]
    assert r.client_id() > 0
    assert r.client_setname("me") is True
    assert r.client_getname() == "me"
    assert any(client["name"] == "me" for client in r.client_list())
    assert r.config_get("save") == {"save": ""}
    assert r.echo("hi") == "hi"
    try:
        r.execute_command("LPUSH", "l", "x")
        raise AssertionError("an unknown command must fail")
    except redis.ResponseError as error:
        assert str(error).startswith("unknown command 'LPUSH', with args beginning with: 'l' 'x'"), error
    big = "x" * 1_000_000
    r.set("big", big)
    assert r.get("big") == big
    r.close()

for options in ({"db": 0, "client_name": "named"}, {"single_connection_client": True}):
    with redis.Redis(port=port, **options) as r:
        assert r.ping() is True
