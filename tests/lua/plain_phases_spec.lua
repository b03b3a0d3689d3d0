-- Phases of the configuration that have no file: questions, and templates that are run; under the real
-- program, a real endpoint and a real PostgreSQL.
local json = require "nlsql.json"
local phasefile = require "nlsql.phasefile"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

describe("phasefile", function()
  local function own(...)
    local given = {}
    for _, name in ipairs { ... } do given[name] = { value = "x", from = "phase" } end
    return { name = "mine", options = given }
  end

  local cases = {
    { own "questions", "questions" }, { own "question", "questions" }, { own "prompt_template", "template" },
    { own("prompt_template", "question"), "template" }, { own("prompt_template", "questions"), "questions" },
    { own("builtins", "questions", "prompt_template"), "builtins" }, { own "count" },
    { { name = "mine", options = { prompt_template = { value = "x", from = "defaults" } } } },
    { { name = "mine", options = { questions = { value = "x", from = "flag" } } }, "questions" },
  }
  for i, case in ipairs(cases) do
    it(("knows what serves (%d: %s)"):format(i, case[2] or "nothing"), function()
      assert.same({ case[2] }, { phasefile.generic(case[1]) })
    end)
  end

  it("takes a phase's own file first, and the file that it names only", function()
    local function find(wanted)
      if wanted == "mine" then return "/x/mine.lua", "phases/mine.lua" end
      return nil, "there is no phase " .. wanted
    end
    assert.equal("/x/mine.lua", (phasefile.find(own "questions", find)))
    local named = own "questions"
    named.file = "other.lua"
    assert.same({ nil, "there is no phase other.lua" }, { phasefile.find(named, find) })
  end)
end)

describe("a phase without a file", function()
  local dir, endpoint

  before_each(function() dir = support.temp_dir() end)
  after_each(function()
    if endpoint then endpoint.stop() end
    endpoint = nil
    os.execute("rm -rf " .. dir)
  end)

  local function start(list)
    endpoint = support.endpoint { "--log", dir .. "/requests", "--script", support.write_json_lines(dir .. "/rules.jsonl", list) }
  end

  local function run(source, arguments, variables)
    support.write(dir .. "/config.yaml", source)
    local given = variables or { OPENAI_API_KEY = "sk-test-0123456789", OPENAI_BASE_URL = endpoint and endpoint.url }
    given.DATABASE_URL = shop.url()
    return support.nlsql(dir, arguments or { "run" }, given)
  end

  local function prompts()
    local list = {}
    for i, line in ipairs(support.lines(dir .. "/requests")) do
      local said = {}
      local logged = json.decode(line)
      local body = logged.body or logged
      for _, message in ipairs((type(body) == "string" and json.decode(body) or body).messages) do said[#said + 1] = message.content end
      list[i] = table.concat(said, "\n")
    end
    return list
  end

  it("asks each of its questions, and keeps each as it stands", function()
    local country = "Purchases by country, please?"
    start {
      { match = country, content = json.encode { question = "What a model makes of it", sql = shop.BY_COUNTRY.sql } },
      { match = "How many customers are there?", content = json.encode { question = "?", sql = "SELECT count(*) FROM customer" } },
      { match = "Which tables hold secrets?", content = json.encode { question = "?", sql = "SELECT * FROM secret" } },
    }
    local code, out, err = run(([[
anonymise: off
phases:
- name: ours
  max_attempts: 2
  tag_schema_json: true
  questions: ["%s", "How many customers are there?", "Which tables hold secrets?"]
]]):format(country))
    assert.equal(7, code, err) -- one of three has no answer
    local rows = shop.dataset(dir, "ours")
    assert.equal(2, #rows)
    assert.equal(country, rows[1].question)
    assert.equal("How many customers are there?", rows[2].question)
    assert.equal("SELECT count(*) FROM customer", rows[2].sql)
    assert.truthy(rows[2].schema.tables.customer)
    assert.truthy(out:find("grounded%s+2\n"), out)
    local seen, again = false, false
    for _, said in ipairs(prompts()) do
      seen = seen or said:find('customer: {"customer_id":"1",', 1, true) ~= nil -- rows of the table that is named
      again = again or said:find("That query was rejected:\n- grounded", 1, true) ~= nil
    end
    assert.truthy(seen and again, table.concat(prompts(), "\n=====\n"))
  end)

  it("asks one question too, with a template of its own, which has what every prompt has", function()
    assert(os.execute("mkdir -p " .. dir .. "/prompts"))
    support.write(dir .. "/prompts/mine.txt",
      "### user:\n{{question}} / {{count}} / {{notes}} / {{language}} / {{examples}} / {{sample_rows}} / {{schema_json}}\n")
    start { { content = json.encode { question = "?", sql = "SELECT count(*) FROM customer" } } }
    local code, _, err = run([[
language: German
notes: Net.
phases:
- {name: one, question: Wie viele?, questions: [], prompt_template: mine}
]])
    assert.equal(0, code, err)
    assert.equal("Wie viele?", shop.dataset(dir, "one")[1].question)
    assert.truthy(prompts()[1]:find("Wie viele? / 1 / Net. / German /  /  / {", 1, true), prompts()[1])
  end)

  it("runs its template `count` times, for one pair each", function()
    assert(os.execute("mkdir -p " .. dir .. "/prompts"))
    support.write(dir .. "/prompts/mine.txt", "### user:\nAbout {{question}}: {{schema_json}}\n")
    local list = {}
    for i, pair in ipairs(shop.many(3)) do list[i] = { content = json.encode(pair), times = 1 } end
    start(list)
    local source = "phases:\n- {name: drawn, prompt_template: mine, question: countries, count: 3, parallelism: 1}\n"
    local code, _, err = run(source)
    assert.equal(0, code, err)
    local rows = shop.dataset(dir, "drawn")
    assert.equal(3, #rows)
    assert.not_equal(rows[1].question, rows[2].question)
    assert.equal(3, #prompts())
    for _, said in ipairs(prompts()) do -- each is a beginning, no second turn
      assert.truthy(said:find("About countries: {", 1, true) and not said:find("by the same rules", 1, true), said)
    end
    code, _, err = run(source)
    assert.equal(0, code, err)
    assert.equal(3, #prompts()) -- nothing is asked twice
  end)

  it("goes on in the conversation where its pair fell", function()
    assert(os.execute("mkdir -p " .. dir .. "/prompts"))
    support.write(dir .. "/prompts/mine.txt", "### user:\nAnything. {{schema_json}}\n")
    start {
      { match = "Some of those were rejected", content = json.encode(shop.BY_PRODUCT) },
      { content = "no pair at all", times = 1 },
      { content = json.encode { question = "q?", sql = "SELECT nme FROM customer" } },
    }
    local code, _, err = run("phases:\n- {name: drawn, prompt_template: mine, count: 1}\n")
    assert.equal(0, code, err)
    assert.equal(shop.BY_PRODUCT.question, shop.dataset(dir, "drawn")[1].question)
  end)

  it("runs a file under its own name", function()
    start { shop.sets { "customer", "purchase" }, { pairs = { shop.BY_COUNTRY } } }
    local code, _, err = run("phases:\n- {name: ours, file: phases/joins.lua, count: 1, total_table_pairs: 1}\n")
    assert.equal(0, code, err)
    assert.equal(1, #shop.dataset(dir, "ours"))
    assert.equal(0, #shop.dataset(dir, "joins"))
  end)

  local refused = {
    { "a name that is nothing", "phases:\n- name: jions\n", 3,
      'config.yaml:2:3: there is no phase "jions" (did you mean "joins"?); a phase without a file of its own has questions,' },
    { "no questions at all", "phases:\n- {name: ours, questions: []}\n", 3, 'phase "ours" has no questions' },
    { "questions that are no list", "phases:\n- {name: ours, questions: How many?}\n", 3,
      'config.yaml:2:27: questions: expected a list of texts, found "How many?"' },
    { "a template that is not there", "phases:\n- {name: ours, prompt_template: join_sqll}\n", 3,
      'prompts/join_sqll.txt: there is no such template (did you mean "join_sql"?)' },
    { "a template with an unknown placeholder", "phases:\n- {name: ours, prompt_template: odd}\n", 3,
      "prompts/odd.txt:2: {{quesiton}} is not given to this template (given: count, cut, examples, language, notes, question,"
      .. " sample_rows, schema_json)" },
    { "a template without a role", "phases:\n- {name: ours, prompt_template: bare}\n", 3, "prompts/bare.txt:1: there is no role line" },
  }
  for _, case in ipairs(refused) do
    it("is refused with a sentence: " .. case[1], function()
      assert(os.execute("mkdir -p " .. dir .. "/prompts"))
      support.write(dir .. "/prompts/odd.txt", "### user:\n{{quesiton}}\n")
      support.write(dir .. "/prompts/bare.txt", "Write a pair.\n")
      start { { content = "never" } }
      local code, _, err = run(case[2])
      assert.equal(case[3], code, err)
      assert.truthy(err:find(case[4], 1, true), err)
      assert.same({}, prompts())
    end)
  end

  it("asks no grammar", function()
    for _, section in ipairs { "questions: [How many?]", "prompt_template: ask" } do
      local code, _, err = run("phases:\n- {name: ours, " .. section .. "}\n", { "run", "--provider", "offline" }, {})
      assert.equal(5, code, err)
      assert.truthy(err:find('phase "ours": the offline grammar reads no', 1, true), err)
    end
  end)
end)
