// node-redis against a server on the port given, in RESP2 and RESP3.
const assert = require("assert");
const { createClient } = require("redis");

(async () => {
  for (const RESP of [2, 3]) {
    const client = createClient({ RESP, socket: { port: Number(process.argv[2]), reconnectStrategy: false } });
    client.on("error", (error) => { throw error; });
    await client.connect();
    assert.equal(await client.sendCommand(["FLUSHALL"]), "OK");
    assert.equal(await client.set("k", "v"), "OK");
    assert.equal(await client.get("k"), "v");
    assert.equal(await client.get("nosuch"), null);
    const all = await Promise.all(Array.from({ length: 300 }, (_, i) => client.set("p" + i, String(i))));
    assert.ok(all.every((answer) => answer === "OK"));
    assert.deepEqual(await client.mGet(["p7", "nosuch"]), ["7", null]);
    assert.equal(await client.exists(["k", "nosuch"]), 1);
    assert.equal(await client.incrBy("n", 3), 3);
    assert.equal(await client.set("t", "v", { EX: 100 }), "OK");
    assert.ok((await client.ttl("t")) > 90);
    assert.deepEqual(await client.multi().set("m", "1").incr("m").get("m").exec(), ["OK", 2, "2"]);
    assert.equal(await client.json.set("j", "$", { a: [1, 2], s: "x" }), "OK");
    assert.deepEqual(await client.json.get("j", { path: "$.a" }), [[1, 2]]);
    assert.deepEqual(await client.json.arrAppend("j", "$.a", 3), [3]);
    assert.deepEqual(await client.json.numIncrBy("j", "$.a[0]", 4), [5]);
    assert.deepEqual(await client.json.type("j", { path: "$.s" }), ["string"]);
    assert.equal(await client.del(["n", "t", "m", "j"]), 4);
    assert.equal(await client.sendCommand(["PUT", "d", '{"a":[1,2]}']), "CREATED");
    assert.equal(await client.get("d"), '{"a":[1,2]}');
    assert.equal(await client.dbSize(), 302);
    await assert.rejects(client.lPush("l", "x"), /unknown command/);
    client.destroy ? client.destroy() : await client.quit();
  }
})().catch((error) => { console.error(error); process.exit(1); });
