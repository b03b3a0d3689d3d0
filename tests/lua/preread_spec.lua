-- What is private is known before the first item begins: the same run gives the same bytes and the same rejections,
-- however many items are under way, and a guess at a value that nobody read falls.
local anon = require "nlsql.anon"
local catalog = require "nlsql.catalog"
local json = require "nlsql.json"
local pg = require "nlsql.pg"
local preread = require "nlsql.anon.preread"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

describe("values that no prompt has shown", function()
  local URL = support.database("private", { "tests/data/private.sql" })
  local endpoint

  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
  end)

  --- A person and a place behind the rows that a prompt shows.
  local function guesses()
    local db <close> = assert(pg.open(URL, {}))
    local person = assert(db:query("SELECT full_name FROM person WHERE person_id = 41")).rows[1][1]
    return person, assert(db:query("SELECT city FROM city WHERE city_id = 8")).rows[1][1]
  end

  local function outcome(dir, out)
    return support.read(dir .. "/generated_datasets/joins/dataset.jsonl"), out:match("rejected.-\n\n") or out:match("private%s+%d+")
  end

  --- What is protected after reading, and what was asked for that.
  local function prepared(db, schema, max_field)
    local settings = { anonymise = true, seed = 1, provider = "openai", base_url = "http://127.0.0.1:1/v1",
      limits = { max_field = max_field or 65536, statement_timeout = 10 } }
    local asked = {}
    local spy = { query = function(_, sql, ...)
      asked[#asked + 1] = sql
      return db:query(sql, ...)
    end }
    local disguise = anon.open(settings, schema, ("x"):rep(32), spy)
    preread.all(disguise, spy, schema)
    return disguise, table.concat(asked, "\n")
  end

  it("fall at private whatever the parallelism, fresh and replayed", function()
    local person, city = guesses()
    local FROM = " FROM visit v JOIN person p ON p.person_id = v.person_id JOIN city c ON c.city_id = p.city_id WHERE "
    local rules = { shop.sets({ "visit", "person" }, { "person", "city" }, { "visit", "person", "city" }),
      { match = "failed", content = '{"score": 0, "reason": "hopeless", "fixed_sql": null}' }, { pairs = {
        { question = "What did " .. person .. " pay?", sql = "SELECT v.fee FROM visit v JOIN person p USING (person_id) WHERE "
          .. "p.full_name = '" .. person:gsub("'", "''") .. "'" },
        { question = "Who lives in " .. city .. "?", sql = "SELECT p.person_id FROM person p JOIN city c USING (city_id) "
          .. "WHERE c.city = '" .. city .. "'" },
        { question = "Which fees are high?", sql = "SELECT v.fee" .. FROM .. "v.fee > 40" },
        { question = "Which visits were by whom?", sql = "SELECT v.visit_id, p.person_id FROM visit v JOIN person p "
          .. "USING (person_id)" },
        { question = "Which people live in which place?", sql = "SELECT p.person_id, c.city_id FROM person p JOIN city c "
          .. "USING (city_id)" },
      } } }
    local dataset, private
    for _, parallelism in ipairs { "1", "16" } do
      local dir = support.temp_dir()
      support.write(dir .. "/config.yaml", "retries: 0\n")
      endpoint = support.endpoint { "--script", support.write_json_lines("/tmp/nlsql_rules_" .. dir:match("[^/]+$"), rules) }
      for _, replay in ipairs { false, true } do
        local args = { "run", "joins", "--count", "3", "--set", "total_table_pairs=3", "--set", "max_attempts=1",
          "--set", "parallelism=" .. parallelism }
        if replay then args[#args + 1] = "--replay" end
        local _, out, err = support.nlsql(dir, args, { DATABASE_URL = URL, OPENAI_BASE_URL = endpoint.url })
        local rows, fallen = outcome(dir, out)
        assert.truthy(fallen, out .. err)
        assert.is_nil((rows .. out .. err):find(person, 1, true))
        assert.is_nil((rows .. out .. err):find(city, 1, true))
        dataset, private = dataset or rows, private or fallen
        assert.equal(private, fallen)
        assert.equal(dataset, rows)
        assert.truthy(#rows > 0)
      end
      endpoint.stop()
      endpoint = nil
      os.execute("rm -rf " .. dir)
    end
    assert.equal("private        6", private)
  end)

  it("fall at private when one tries or asks, as in a run, and are not sent", function()
    local person = guesses()
    local guess = { question = "Who paid?", sql = "SELECT v.fee FROM visit v JOIN person p USING (person_id) WHERE p.full_name = '"
      .. person:gsub("'", "''") .. "'" }
    local dir = support.temp_dir()
    support.write(dir .. "/config.yaml", "retries: 0\ncritic: false\n")
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script", support.write_json_lines(dir .. "/rules.jsonl",
      { shop.sets { "visit", "person" }, { match = "Who paid", content = json.encode(guess) }, { pairs = { guess } } }) }
    local function nlsql(...)
      local code, out, err = support.nlsql(dir, { ... }, { DATABASE_URL = URL, OPENAI_BASE_URL = endpoint.url })
      assert.is_nil((out .. err):find(person, 1, true), out .. err)
      return code, out, err
    end
    local code, out, err = nlsql("try", "joins", "--set", "max_attempts=1")
    assert.equal(7, code, err)
    assert.truthy(out:find("fell at private%s+1\n"), out)
    code, out = nlsql("ask", "Who paid?")
    assert.equal(7, code)
    assert.truthy(out:find("private FAILED", 1, true), out)
    local sent = support.read(dir .. "/requests")
    code, out, err = nlsql("ask", "What did " .. person .. " pay?")
    assert.same({ 5, "" }, { code, out })
    assert.truthy(err:find("the question holds a protected value (person): a real value of the database, which is not sent", 1, true),
      err)
    assert.equal(sent, support.read(dir .. "/requests"))
    assert.is_nil(sent:find(person, 1, true))
    os.execute("rm -rf " .. dir)
  end)

  it("do not include those of views, which may take long", function()
    local cluster = require "nlsql.cluster"
    local server <close> = assert(cluster.start {})
    local dir = support.temp_dir()
    support.write(dir .. "/slow.sql", "CREATE TABLE person (id int PRIMARY KEY, full_name text);\n"
      .. "INSERT INTO person SELECT g, 'Anna Nowak ' || g FROM generate_series(1, 50) g;\n"
      .. "CREATE VIEW slow AS SELECT id, full_name || pg_sleep(60)::text AS name FROM person;\n")
    assert(server:create("slow", { dir .. "/slow.sql" }))
    local db <close> = assert(pg.open(server:url("slow"), {}))
    local schema = assert(catalog.load(db))
    local disguise, asked = prepared(db, schema)
    assert.equal("Anna Nowak 41", (disguise.protected:find("Is Anna Nowak 41 here?")))
    assert.truthy(asked:find("person", 1, true) and not asked:find("slow", 1, true), asked)
    os.execute("rm -rf " .. dir)
  end)

  it("are read once where a look at the table shows all of them, else to their end", function()
    local dir = support.temp_dir()
    local long, middling = ("Anna Nowak of "):rep(15) .. "Gdynia", ("Jan Lis of "):rep(13) .. "Sopot"
    support.write(dir .. "/few.sql", ([[
      CREATE TABLE few (few_id int PRIMARY KEY, full_name text, born date);
      INSERT INTO few SELECT g, CASE WHEN g %% 7 > 0 THEN 'Ewa Mazur ' || g END FROM generate_series(1, 199) g;
      CREATE TABLE lengthy (lengthy_id int PRIMARY KEY, full_name text);
      INSERT INTO lengthy VALUES (1, 'Ida Wrona'), (2, '%s');
      CREATE TABLE middling (middling_id int PRIMARY KEY, full_name text);
      INSERT INTO middling VALUES (1, '%s');
      CREATE TABLE many (many_id int PRIMARY KEY, full_name text);
      INSERT INTO many SELECT g, 'Olga Sroka ' || g FROM generate_series(1, 200) g;
      CREATE TABLE beside (beside_id int PRIMARY KEY, full_name text, mails text[]);
      INSERT INTO beside VALUES (1, 'Piotr Wilk', '{"ala.kot@example.org","ewa.lis@example.org"}');]]):format(long, middling))
    local db <close> = assert(pg.open(support.database("prereads", { dir .. "/few.sql" }), {}))
    local schema = assert(catalog.load(db))
    local disguise, asked = prepared(db, schema)
    local function times(name) return select(2, asked:gsub("FROM " .. name .. " ORDER", "")) end
    for name, n in pairs { few = 1, middling = 1, lengthy = 2, many = 2, beside = 2 } do
      assert.equal(n, times(name), name .. "\n" .. asked)
    end
    for _, value in ipairs { "Ewa Mazur 199", long, middling, "Olga Sroka 200", "Piotr Wilk", "ewa.lis@example.org" } do
      assert.equal(value, (disguise.protected:find("Who is " .. value .. "?")))
    end
    assert.is_nil(disguise.policy.whole)

    -- one that others cut sooner than whoever looks at the table is read as they see it
    local sooner = prepared(db, schema, 100)
    assert.equal(middling:sub(1, 100), (sooner.protected:find(middling:sub(1, 100) .. "…")))
    os.execute("rm -rf " .. dir)
  end)
end)
