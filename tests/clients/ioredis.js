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
  assert.equal(await redis.call("PUT", "d", '{"a":1}'), "CREATED");
  assert.equal(await redis.get("d"), '{"a":1}');
  assert.equal(await redis.dbsize(), 502);
  assert.equal(await redis.del("k", "d"), 2);
  await assert.rejects(redis.lpush("l", "x"), /unknown command/);
  await redis.quit();
})().catch((error) => { console.error(error); process.exit(1); });
