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
    assert r.incr("n") == 1 and r.incrby("n", 4) == 5 and r.incrbyfloat("f", 1.5) == 1.5
    assert r.set("t", "v", ex=100) is True and 1 <= r.ttl("t") <= 100
    assert r.append("t", "w") == 2 and r.getrange("t", 0, 0) == "v" and r.strlen("t") == 2
    assert r.rename("t", "u") is True and r.getdel("u") == "vw" and r.persist("n") is False
    with r.pipeline() as pipe:  # a transaction, as is the default
        assert pipe.set("x", 1).incr("x").get("x").execute() == [True, 2, "2"]
        pipe.watch("x")
        r.set("x", 9)
        pipe.multi()
        pipe.set("x", 3)
        try:
            pipe.execute()
            raise AssertionError("a watched key changed")
        except redis.WatchError:
            pass
    assert r.transaction(lambda pipe: (pipe.multi(), pipe.set("x", 4)), "x") == [True]
    assert r.delete("n", "f", "x") == 3
    js = r.json()
    assert js.set("doc", "$", {"a": 1, "b": {"c": [1, 2, 3]}, "s": "x"}) is True
    assert js.get("doc") == {"a": 1, "b": {"c": [1, 2, 3]}, "s": "x"}
    assert js.get("doc", "$.b.c[-1]", "$.a") == {"$.b.c[-1]": [3], "$.a": [1]}
    assert js.numincrby("doc", "$.a", 2) in ([3], 3)
    assert js.arrappend("doc", "$.b.c", 4) == [4] and js.arrlen("doc", "$.b.c") == [4]
    assert js.arrpop("doc", "$.b.c") in (["4"], [4]) and js.arrindex("doc", "$.b.c", 2) == [1]
    assert js.strappend("doc", "y", "$.s") == [2] and js.strlen("doc", "$.s") == [2]
    assert js.objkeys("doc", "$.b") == [["c"]] and js.objlen("doc", "$") == [3]
    assert js.type("doc", "$.s") in (["string"], [["string"]])
    assert js.set("doc", "$.flag", True) is True and js.toggle("doc", "$.flag") == [0]
    assert js.merge("doc", "$", {"s": None, "n": {"m": 1}}) is True and js.clear("doc", "$.n") == 1
    assert js.mget(["doc", "nosuch"], "$.a") == [[3], None]
    assert js.delete("doc", "$..c") == 1 and js.delete("doc") == 1
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
    assert r.config_set("slowlog-max-len", 64) is True and r.slowlog_len() >= 0 and r.slowlog_get(1) is not None
    assert r.memory_usage("k") > 0 and r.object("encoding", "k") == "embstr" and r.randomkey()
    assert r.time()[0] > 1_600_000_000 and r.wait(0, 0) == 0
    assert r.client_kill_filter(_id="999999") == 0 and r.client_no_evict("ON") in ("OK", True)
    assert r.info("commandstats")["cmdstat_set"]["calls"] > 0
    assert [m for m in r.module_list()][0] and r.command_count() > 100 and "get" in r.command()
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
