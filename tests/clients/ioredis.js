// ioredis against a server on the port given.
const assert = require("assert");
const Redis = require("ioredis");

(async () => {
  const redis = new Redis({ port: Number(process.argv[2]), retryStrategy: null });
  redis.on("error", (error) => { throw error; });
  assert.equal(await redis.flushall(), "OK");
  assert.equal(await redis.set("k", "v"), "OK");
  assert.equal(await redis.get("k"), "v");
  assert.equal(await redis.get("nosuch"), null);
  assert.deepEqual(await redis.mget("k", "nosuch"), ["v", null]);
  const pipeline = redis.pipeline();
  for (let i = 0; i < 500; i++) pipeline.set("p" + i, i).get("p" + i);
  const answers = await pipeline.exec();
  assert.ok(answers.every(([error]) => error === null));
  assert.equal(answers[999][1], "499");
  assert.equal(await redis.incr("n"), 1);
  assert.equal(await redis.set("t", "v", "EX", 100), "OK");
  assert.ok((await redis.ttl("t")) > 90);
  assert.deepEqual(await redis.multi().set("m", 1).incr("m").get("m").exec(), [[null, "OK"], [null, 2], [null, "2"]]);
  await redis.watch("m");
  await redis.set("m", 5);
  assert.equal(await redis.multi().get("m").exec(), null);
  assert.equal(await redis.call("JSON.SET", "j", "$", '{"a":[1]}'), "OK");
  assert.equal(await redis.call("JSON.GET", "j", "$.a[0]"), "[1]");
  assert.equal(await redis.del("n", "t", "m", "j"), 4);
  assert.equal(await redis.call("PUT", "d", '{"a":1}'), "CREATED");
  assert.equal(await redis.get("d"), '{"a":1}');
  assert.equal(await redis.dbsize(), 502);
  assert.equal(await redis.del("k", "d"), 2);
  await assert.rejects(redis.lpush("l", "x"), /unknown command/);
  await redis.quit();
})().catch((error) => { console.error(error); process.exit(1); });
