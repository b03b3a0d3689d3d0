-- How columns are related: declared keys, and what the model proposes and the data bears out.
local json = require "nlsql.json"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

--- The endpoint's answer to a request for relations: child, columns, parent, columns.
local function proposes(times, ...)
  local list = json.array {}
  for i, one in ipairs { ... } do
    list[i] = { from_table = one[1], from_columns = one[2], to_table = one[3], to_columns = one[4], reason = "so it seems" }
  end
  return { match = "Name up to", times = times, content = json.encode { relations = list } }
end
local NO_MORE = { match = "Name up to", content = '{"relations": []}' }

local function opinion(child, related)
  return { match = child .. " refers to", content = json.encode { related = related, reason = "because" } }
end

local CUSTOMER = { "invoice", { "customer_id" }, "customer", { "customer_id" } }

describe("nlsql run phases/schema_relationship.lua", function()
  local dir, endpoint
  local url -- of the database that a test works on

  before_each(function()
    dir, endpoint = support.temp_dir(), nil
    support.write(dir .. "/config.yaml", "discover: off\n") -- most of this is about what the model proposes
    url = support.database("relations", { "tests/data/relations.sql" })
  end)
  after_each(function()
    if endpoint then endpoint.stop() end
    os.execute("rm -rf " .. dir)
  end)

  local function run(arguments)
    local words = { "run", "phases/schema_relationship.lua" }
    for _, word in ipairs(arguments or {}) do words[#words + 1] = word end
    return support.nlsql(dir, words, { DATABASE_URL = url, OPENAI_BASE_URL = endpoint and endpoint.url,
      OPENAI_API_KEY = endpoint and "sk-test-0123456789" })
  end

  local function serve(...)
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script",
      support.write_json_lines(dir .. "/rules.jsonl", { ... }) }
  end

  --- The answers of the dataset by question, and the rows' number.
  local function answers()
    local out, rows = {}, shop.dataset(dir, "schema_relationship")
    for _, row in ipairs(rows) do
      assert.is_nil(row.confidence)
      out[row.question] = row.answer
    end
    return out, #rows
  end

  --- What the store knows of each entry, by question's direction and relation.
  local function facts()
    local bytes = support.read(dir .. "/generated_datasets/nlsql.db")
      .. (support.read(dir .. "/generated_datasets/nlsql.db-wal") or "")
    local out, at = {}, 1
    while true do
      at = bytes:find('{"candidate":', at, true)
      if not at then return out end
      local text = bytes:match("^%b{}", at)
      local read = text and json.decode(text)
      if read and read.relation then out[read.direction .. " " .. read.relation] = read end
      at = at + 1
    end
  end

  local function requests_with(part)
    local n = 0
    for _, line in ipairs(support.lines(dir .. "/requests")) do
      if line:find(part, 1, true) then n = n + 1 end
    end
    return n
  end

  it("tells of declared keys in both directions: single, of several columns, to the own table, both ways", function()
    local code, out, err = run { "--provider", "offline" }
    assert.equal(0, code, err)
    local got, n = answers()
    assert.same({
      ["How is customer.referrer_id related to customer.customer_id?"] = "customer.referrer_id -> customer.customer_id",
      ["How is customer.customer_id related to customer.referrer_id?"] = "customer.customer_id <- customer.referrer_id",
      ["How is (customer.country, customer.region_no) related to (region.country, region.region_no)?"] =
        "(customer.country, customer.region_no) -> (region.country, region.region_no)",
      ["How is (region.country, region.region_no) related to (customer.country, customer.region_no)?"] =
        "(region.country, region.region_no) <- (customer.country, customer.region_no)",
      ["How is passport.customer_id related to customer.customer_id?"] = "passport.customer_id -> customer.customer_id",
      ["How is customer.customer_id related to passport.customer_id?"] = "customer.customer_id <- passport.customer_id",
      ["How is chair.desk_no related to desk.desk_no?"] = "chair.desk_no <-> desk.desk_no",
      ["How is desk.desk_no related to chair.desk_no?"] = "desk.desk_no <-> chair.desk_no",
    }, got)
    assert.equal(8, n)
    assert.truthy(out:find("8 of 8 pairs", 1, true), out)
    assert.truthy(err:find("the offline grammar proposes no others", 1, true), err)
    local kept = facts()
    assert.equal(1, kept["forward passport.customer_id -> customer.customer_id"].confidence)
    assert.equal("one_to_one", kept["forward passport.customer_id -> customer.customer_id"].cardinality)
    assert.equal("many_to_one", kept["reverse customer.referrer_id -> customer.customer_id"].cardinality)
    assert.is_true(kept["forward customer.referrer_id -> customer.customer_id"].declared)
  end)

  it("keeps what the model proposes and the data bears out, its confidence in the store alone", function()
    serve(proposes(1, CUSTOMER, { "invoice", { "seller_badge" }, "seller", { "badge" } },
      { "invoice", { "country", "region_no" }, "region", { "country", "region_no" } },
      { "invoice", { "old_customer_id" }, "customer", { "customer_id" } }), NO_MORE, opinion("", true))
    local code, out, err = run()
    assert.equal(0, code, err)
    local got, n = answers()
    assert.equal(16, n, out)
    assert.equal("invoice.customer_id -> customer.customer_id", got["How is invoice.customer_id related to customer.customer_id?"])
    assert.equal("customer.customer_id <- invoice.customer_id", got["How is customer.customer_id related to invoice.customer_id?"])
    assert.equal("(invoice.country, invoice.region_no) -> (region.country, region.region_no)",
      got["How is (invoice.country, invoice.region_no) related to (region.country, region.region_no)?"])
    local kept = facts()
    local one = kept["forward invoice.customer_id -> customer.customer_id"]
    -- 0.95 × (0.35 × 0.5, for a serial key holds any small number, + 0.15 + 0.25 + 0.25)
    assert.equal(0.784, one.confidence)
    assert.same({ rows = 540, distinct = 90, orphans = 0, orphan_rows = 0, share = 1, sampled = false, unique = "declared",
      chance = 1 }, one.evidence)
    assert.same({ false, true, "many_to_one", "so it seems" }, { one.declared, one.opinion, one.cardinality, one.proposed_because })
    assert.same({ "invoice", "customer" }, one.tables)
    -- texts are not found in each other by accident
    assert.equal("data", kept["forward invoice.seller_badge -> seller.badge"].evidence.unique)
    assert.equal(0.95, kept["forward invoice.seller_badge -> seller.badge"].confidence)
    assert.equal(2, kept["reverse invoice.old_customer_id -> customer.customer_id"].evidence.orphans)
    assert.is_true(kept["reverse invoice.old_customer_id -> customer.customer_id"].confidence < one.confidence)
  end)

  -- a plausible wrong reply of each kind, the gate that refuses it, and why
  local wrong = {
    { "a column some of whose values are nobody's", { "invoice", { "buyer_id" }, "customer", { "customer_id" } }, "untrue",
      "50 of the 150 distinct values of invoice.buyer_id are not in customer.customer_id (200 of 600 rows)" },
    { "numbers that lie among a serial key's by accident", { "invoice", { "quantity" }, "customer", { "customer_id" } }, "untrue",
      "its values would be found there by accident too" },
    { "a key that lies among another table's by accident", { "seller", { "seller_id" }, "customer", { "customer_id" } }, "untrue",
      "below 0.60" },
    { "the right columns the wrong way round", { "customer", { "customer_id" }, "invoice", { "invoice_id" } }, "untrue",
      "below 0.60" },
    { "another side that is not unique", { "customer", { "customer_id" }, "invoice", { "old_customer_id" } }, "untrue",
      "invoice.old_customer_id is not unique: 100 of its values stand in several rows", { "--set", "min_containment=0.9" } },
    { "a column without a value", { "invoice", { "note" }, "customer", { "name" } }, "untrue", "holds no value" },
    { "types that are never equal", { "invoice", { "seller_badge" }, "customer", { "customer_id" } }, "untrue",
      "invoice.seller_badge is text and customer.customer_id is integer" },
    { "a type that is no key", { "invoice", { "marks" }, "customer", { "customer_id" } }, "untrue", "such values are no key" },
    { "a column that refers to itself", { "customer", { "customer_id" }, "customer", { "customer_id" } }, "untrue",
      "columns do not refer to themselves" },
    { "a half of several columns in the wrong order", { "invoice", { "region_no", "country" }, "region", { "country", "region_no" } },
      "untrue", "no value of one equals" },
    { "a column that there is not", { "invoice", { "customer_no" }, "customer", { "customer_id" } }, "grounded",
      'invoice has no column customer_no (did you mean "customer_id"?)' },
    { "a table that there is not", { "invoice", { "customer_id" }, "custmer", { "customer_id" } }, "grounded",
      "there is no table custmer (did you mean customer?)" },
    { "fewer columns on one side", { "invoice", { "country" }, "region", { "country", "region_no" } }, "grounded",
      "1 columns (country) cannot refer to 2 (country, region_no)" },
    { "what is declared", { "passport", { "customer_id" }, "customer", { "customer_id" } }, "unique", "is known already" },
    { "what is declared, from the other side", { "customer", { "customer_id" }, "passport", { "customer_id" } }, "unique",
      "it is passport.customer_id -> customer.customer_id, seen from the other side" },
  }
  for _, case in ipairs(wrong) do
    it("refuses " .. case[1], function()
      serve(proposes(1, case[2]), NO_MORE, opinion("", true))
      local code, out, err = run(case[5])
      assert.equal(0, code, err)
      assert.equal(8, select(2, answers()))
      assert.truthy(out:find("\n  " .. case[3] .. "%s+1\n"), out)
      assert.truthy(out:find(case[4]:sub(1, 150), 1, true), out)
      -- and tells the model what became of it
      assert.equal(1, requests_with "These were proposed before")
    end)
  end

  it("asks for a second opinion only where it can matter, and does not keep what it denies", function()
    local approver = { "invoice", { "approver_id" }, "customer", { "customer_id" } }
    serve(proposes(1, approver, CUSTOMER, { "invoice", { "quantity" }, "customer", { "customer_id" } }), NO_MORE,
      opinion("invoice.approver_id", false), opinion("", true))
    local code, out, err = run()
    assert.equal(0, code, err)
    assert.equal(10, select(2, answers()))
    assert.truthy(out:find("the second opinion does not agree", 1, true), out)
    assert.equal(2, requests_with "Somebody claims")
    endpoint.stop()
    serve(proposes(1, approver), NO_MORE, opinion("", true))
    assert.equal(0, (run { "--fresh" }))
    assert.equal(10, select(2, answers()))
    assert.equal(0.665, facts()["forward invoice.approver_id -> customer.customer_id"].confidence)
  end)

  it("reads relations however they are written, and says what it could not read", function()
    serve({ match = "Name up to", times = 1, content = "I have no idea." },
      { match = "Name up to", times = 1, content = '```json\n{"relations": ["invoice.customer_id -> customer.customer_id"]}\n```' },
      { match = "Name up to", times = 1, content = json.encode { relations = { { from = "invoice.seller_badge" },
        { from = "INVOICE.Seller_Badge", to = "public.seller.badge" } } } }, NO_MORE,
      { match = "Somebody claims", content = "Yes." })
    local code, out, err = run()
    assert.equal(0, code, err)
    assert.equal(12, select(2, answers()), out)
    assert.truthy(out:find("\n  read%s+2\n"), out)
    assert.truthy(out:find("it does not name the tables and columns of both sides", 1, true), out)
  end)

  it("asks for no more than count, over all groups", function()
    serve(proposes(nil, CUSTOMER, { "invoice", { "seller_badge" }, "seller", { "badge" } }), opinion("", true))
    local code, out, err = run { "--count", "1" }
    assert.equal(0, code, err)
    assert.equal(10, select(2, answers()))
    assert.truthy(out:find("more than the 1 relations that were asked for", 1, true), out)
    assert.equal(1, requests_with "Somebody claims") -- what is too much is not looked at
  end)

  it("goes on where it stopped, and pays for no reply twice", function()
    serve(proposes(1, CUSTOMER), NO_MORE, opinion("", true))
    assert.equal(0, (run()))
    local before = support.read(dir .. "/generated_datasets/schema_relationship/dataset.jsonl")
    endpoint.stop()
    serve { status = 500, body = "must not be asked" }
    local code, out = run()
    assert.equal(0, code, out)
    assert.equal(before, support.read(dir .. "/generated_datasets/schema_relationship/dataset.jsonl"))
    assert.equal(0, endpoint.stop().requests)
    endpoint = nil
  end)

  it("asks again in the next run where the second opinion did not come", function()
    serve(proposes(1, CUSTOMER), NO_MORE, { match = "Somebody claims", status = 500, body = "overloaded" })
    support.write(dir .. "/config.yaml", "discover: off\nretries: 0\n")
    local code, _, err = run()
    assert.not_equal(0, code, err)
    assert.equal(8, select(2, answers()))
    endpoint.stop()
    os.remove(dir .. "/requests")
    serve(NO_MORE, opinion("", true))
    assert.equal(0, (run()))
    assert.equal(10, select(2, answers()))
    assert.equal(1, requests_with "Name up to")
  end)

  it("gives the same bytes at any parallelism", function()
    url = support.demo()
    local made = {}
    for i, n in ipairs { "1", "16" } do
      serve(proposes(2, { "product_sales", { "product_id" }, "product", { "product_id" } },
        { "product_sales", { "category_name" }, "category", { "name" } },
        { "product_sales", { "brand_name" }, "brand", { "name" } }), NO_MORE, opinion("", true))
      local code, out, err = run { "--fresh", "--parallelism", n }
      assert.equal(0, code, err)
      assert.truthy(out:find("76 of 76 pairs", 1, true), out)
      made[i] = support.read(dir .. "/generated_datasets/schema_relationship/dataset.jsonl")
      endpoint.stop()
      endpoint = nil
    end
    assert.equal(made[1], made[2])
  end)

  it("works in a mixed-case schema outside the search path", function()
    url = support.database("odd_names", { "tests/data/odd/names.sql" })
    serve(proposes(1, { '"Head Office"."ORDER"', { "No" }, '"Head Office"."User"', { "Id" } },
      { "Head Office.order", { '"userId"' }, "User", { "id" } }), NO_MORE, opinion("", true))
    local code, out, err = run { "--schemas", "Head Office" }
    assert.equal(0, code, err)
    local got, n = answers()
    assert.equal(4, n, out)
    assert.equal('"Head Office"."order"."userId" -> "Head Office"."User"."Id"',
      got['How is "Head Office"."order"."userId" related to "Head Office"."User"."Id"?'])
    assert.equal('"Head Office"."ORDER"."order" -> "Head Office"."order"."Id"',
      got['How is "Head Office"."ORDER"."order" related to "Head Office"."order"."Id"?'])
    assert.truthy(out:find("\n  unique%s+1\n"), out) -- the second is declared
  end)

  it("says offline where there are none to tell of", function()
    url = support.database("odd_keyless", { "tests/data/odd/keyless.sql" })
    local code, _, err = run { "--provider", "offline" }
    assert.equal(4, code)
    assert.truthy(err:find("no relations are declared, and discover: off leaves out those that the data shows", 1, true), err)
  end)

  it("tells offline of those that the data shows", function()
    url = support.database("odd_keyless", { "tests/data/odd/keyless.sql" })
    support.write(dir .. "/config.yaml", "discover: auto\n")
    local code, out, err = run { "--provider", "offline" }
    assert.equal(0, code, err)
    local got, n = answers()
    assert.equal(4, n, out)
    assert.equal("writes.aid -> author.aid", got["How is writes.aid related to author.aid?"])
    assert.equal("publication.pid <- writes.pid", got["How is publication.pid related to writes.pid?"])
    assert.truthy(err:find("no key links 3 of 3 tables: looking in the data", 1, true), err)
  end)

  describe("asks for a second opinion on what the data shows but weakly", function()
    local made
    before_each(function()
      if not made then
        made = os.tmpname()
        support.write(made, [[
          CREATE TABLE kind (kind_id int PRIMARY KEY, label text);
          CREATE TABLE entry (entry_id int PRIMARY KEY, sort_id int, body text);
          INSERT INTO kind SELECT i, 'K' || i FROM generate_series(1, 7) AS i;
          INSERT INTO entry SELECT i, 1 + i % 7, 'n' || i FROM generate_series(1, 90) AS i;]])
      end
      url = support.database("weakly", { made })
      support.write(dir .. "/config.yaml", "discover: auto\n")
    end)
    teardown(function() os.remove(made) end)

    it("and keeps it where the model agrees", function()
      serve(NO_MORE, opinion("", true))
      local code, out, err = run()
      assert.equal(0, code, err)
      local got, n = answers()
      assert.equal(2, n, out)
      assert.equal("entry.sort_id -> kind.kind_id", got["How is entry.sort_id related to kind.kind_id?"])
      local known = facts()["forward entry.sort_id -> kind.kind_id"]
      assert.is_true(known.discovered and known.opinion)
      assert.is_true(known.confidence > 0.6 and known.confidence < 0.99, tostring(known.confidence))
      assert.truthy(support.read(dir .. "/requests"):find("sort_id refers to", 1, true))
    end)

    it("and refuses it where the model does not", function()
      serve(NO_MORE, opinion("", false))
      local _, out = run()
      local _, n = answers()
      assert.equal(0, n, out)
      assert.truthy(out:find("the second opinion does not agree: because", 1, true), out)
    end)
  end)

  it("finds relations where no key at all is declared by asking the model", function()
    url = support.database("odd_keyless", { "tests/data/odd/keyless.sql" })
    local code, err
    serve(proposes(1, { "writes", { "aid" }, "author", { "aid" } }, { "writes", { "pid" }, "publication", { "pid" } },
      { "publication", { "citations" }, "author", { "aid" } }), NO_MORE, opinion("", true))
    local out
    code, out, err = run { "--fresh" }
    assert.equal(0, code, err)
    local got, n = answers()
    assert.equal(4, n, out)
    assert.equal("writes.pid -> publication.pid", got["How is writes.pid related to publication.pid?"])
    assert.equal("data", facts()["forward writes.pid -> publication.pid"].evidence.unique)
  end)

  it("says that nothing at all is too few", function()
    url = support.database("odd_keyless", { "tests/data/odd/keyless.sql" })
    serve(NO_MORE)
    local code, out = run()
    assert.equal(7, code, out)
  end)

  it("asks about 300 tables group by group, with the keys of the others", function()
    local lines = {}
    for i = 1, 300 do
      local link = i > 1 and (", up_id integer REFERENCES thing_%03d, side_id integer"):format(i - 1) or ""
      lines[#lines + 1] = ("CREATE TABLE thing_%03d (thing_%03d_id integer PRIMARY KEY%s);"):format(i, i, link)
    end
    lines[#lines + 1] = "INSERT INTO thing_001 VALUES (1), (2), (3); INSERT INTO thing_300 VALUES (7, NULL, 2);"
    support.write(dir .. "/many.sql", table.concat(lines, "\n"))
    url = support.database("relations_many", { dir .. "/many.sql" })
    serve({ match = 'thing_300\\":{', times = 1, content = json.encode { relations = json.array {
      { from_table = "thing_300", from_columns = { "side_id" }, to_table = "thing_001", to_columns = { "thing_001_id" },
        reason = "" } } } }, NO_MORE, opinion("", true))
    local code, out, err = run { "--set", "min_confidence=0.5" }
    assert.equal(0, code, err)
    local got, n = answers()
    assert.equal(2 * 299 + 2, n, out)
    assert.equal("thing_300.side_id -> thing_001.thing_001_id", got["How is thing_300.side_id related to thing_001.thing_001_id?"])
    assert.equal(15 + 1, requests_with "Name up to")
    assert.equal(15, requests_with "thing_001_id integer") -- all but the request whose group it is in
    endpoint.stop()
    os.remove(dir .. "/requests")
    serve(NO_MORE)
    code, out, err = run { "--fresh", "--count", "2" }
    assert.equal(0, code, out)
    assert.equal(2, requests_with "Name up to 1 more")
    assert.truthy(err:find("the model is asked about 2 of 15 groups of tables: count is 2", 1, true), err)
  end)

  it("cuts what does not fit a prompt, and says so", function()
    serve(NO_MORE)
    support.write(dir .. "/config.yaml", "discover: off\nschema_tokens: 150\n")
    assert.equal(0, (run()))
    assert.is_true(requests_with "Name up to" > 3)
    assert.is_true(requests_with "tables are left out" > 0)
  end)

  it("looks at a sample of what is too large to read whole", function()
    support.write(dir .. "/large.sql", "CREATE TABLE part (part_id integer PRIMARY KEY);"
      .. "CREATE TABLE move (part_id integer, lot integer);"
      .. "INSERT INTO part SELECT i * 3 FROM generate_series(1, 5000) AS i;"
      .. "INSERT INTO move SELECT (1 + i % 5000) * 3, i FROM generate_series(1, 150000) AS i; ANALYZE;")
    url = support.database("relations_large", { dir .. "/large.sql" })
    serve(proposes(1, { "move", { "part_id" }, "part", { "part_id" } }, { "move", { "lot" }, "part", { "part_id" } }), NO_MORE,
      opinion("", true))
    local code, out, err = run { "--set", "n_rows=100" }
    assert.equal(0, code, err)
    assert.equal(2, select(2, answers()), out)
    local one = facts()["forward move.part_id -> part.part_id"]
    assert.same({ 100, 0, true }, { one.evidence.distinct, one.evidence.orphans, one.evidence.sampled })
    assert.is_true(one.evidence.chance < 0.05) -- only every third number is a part's
    assert.truthy(out:find("of the 100 distinct values of move.lot are not in part.part_id", 1, true), out)
  end)

  it("shows sample rows only where they may be shown", function()
    serve(proposes(1, CUSTOMER), NO_MORE, opinion("", true))
    assert.equal(0, (run()))
    assert.equal(0, requests_with "Name 1")
    endpoint.stop()
    support.write(dir .. "/config.yaml", "discover: off\nanonymise: off\n")
    os.remove(dir .. "/requests")
    serve(proposes(1, CUSTOMER), NO_MORE, opinion("", true))
    assert.equal(0, (run { "--fresh" }))
    assert.equal(3, requests_with "A few")
    assert.equal(3, requests_with "Name 2") -- two rows of each table, whatever n_rows says of checks
    assert.equal(0, requests_with "Name 3")
  end)
end)
