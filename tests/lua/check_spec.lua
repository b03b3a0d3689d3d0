-- nlsql check: a verdict for each line, in order, whoever wrote the file and however bad a line is.
local json = require "nlsql.json"
local proc = require "nlsql.proc"
local jobs = require "nlsql.jobs"
local queryline = require "nlsql.queryline"
local shop = require "tests.lua.shop"
local support = require "tests.lua.support"

local SPIDER = '{"db_id":"shop","query":"SELECT 1 AS a","query_toks":["SELECT","1"],"question":"?","sql":{"select":[false,[]]}}'
local BIRD = '{"question_id":0,"db_id":"shop","question":"?","evidence":"","SQL":"SELECT 1 AS a","difficulty":"simple"}'

describe("the query of a line", function()
  local FOUND = {
    { "nlsql's own", '{"question":"?","sql":"SELECT 1 AS a"}' },
    { "Spider's", SPIDER }, { "BIRD's", BIRD },
    { "in an answer", '{"question":"?","context":"CREATE TABLE t (a int)","answer":"SELECT 1 AS a"}' },
    { "the same twice", '{"sql":"SELECT 1 AS a","query":"SELECT 1 AS a"}' },
    { "in a chat", '{"messages":[{"role":"user","content":"SELECT 2"},{"role":"assistant","content":"SELECT 1 AS a"}]}' },
    { "in a chat's fence",
      '{"messages":[{"role":"assistant","content":"Here it is:\\n```sql\\nSELECT 1 AS a```\\nGood luck"}]}' },
    { "in a chat's JSON", '{"messages":[{"role":"assistant","content":"{\\"question\\":\\"?\\",\\"sql\\":\\"SELECT 1 AS a\\"}"}]}' },
    { "in the last answer", '{"messages":[{"role":"assistant","content":"SELECT 3"},{"role":"assistant","content":"SELECT 1 AS a"}]}' },
    { "in a conversation", '{"conversations":[{"from":"human","value":"?"},{"from":"gpt","value":"SELECT 1 AS a"}]}' },
    { "in the field that was named", '{"sql":"SELECT 2","Mine":"SELECT 1 AS a"}', "Mine" },
  }
  for _, case in ipairs(FOUND) do
    it("is found: " .. case[1], function()
      assert.equal("SELECT 1 AS a", (queryline.read(case[2], case[3])))
    end)
  end

  local NONE = {
    { "", "the line is empty" }, { " \t\r", "the line is empty" },
    { "SELECT 1", "not JSON: line 1, column 2" }, { '{"sql":"SELECT 1"', "not JSON: " },
    { "[]", "expected a JSON object, found a list" }, { '"SELECT 1"', "expected a JSON object, found text" },
    { "null", "expected a JSON object, found null" }, { "7", "expected a JSON object, found a number" },
    { "{}", "no field holds a query (there are: none); --field names it" },
    { '{"a":1,"question":"?"}', "no field holds a query (there are: a, question); --field names it" },
    { '{"answer":"It counts customers."}', "no field holds a query (there are: answer)" },
    { '{"sql":null}', "no field holds a query (there are: sql)" },
    { '{"sql":"SELECT 1","SQL":"SELECT 2"}', 'both "SQL" and "sql" hold a query: name the one with --field' },
    { '{"sql":"\\u0000SELECT 1"}', "the query holds a NUL character" }, { '{"sql":" "}', "the query is empty" },
    { '{"sql":"SELECT 1"}', "mine: expected text, found nothing", "mine" },
    { '{"mine":[1]}', "mine: expected text, found a list", "mine" },
    { '{"messages":[]}', "the chat holds no answer" },
    { '{"messages":[{"role":"assistant","content":"I cannot"}]}', "the last answer of the chat holds no query" },
    { '{"messages":[{"role":"assistant","content":"```\\nSELECT 1```\\n```\\nSELECT 2```"}]}', "there are 2 fenced blocks" },
    { '{"messages":[{"role":"assistant","content":[]}]}', "the last answer of the chat is a list" },
  }
  for i, case in ipairs(NONE) do
    it("is not found: " .. i, function()
      local query, why = queryline.read(case[1], case[3])
      assert.is_nil(query)
      assert.truthy(why:find(case[2], 1, true), why)
    end)
  end
end)

describe("nlsql check", function()
  local dir, url

  setup(function() url = shop.url() end)
  before_each(function() dir = support.temp_dir() end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  local function check(text, arguments)
    support.write(dir .. "/file.jsonl", text)
    return support.nlsql(dir, { "check", "file.jsonl", table.unpack(arguments or {}) }, { DATABASE_URL = url })
  end

  it("tells in order what each gate says, and which layer", function()
    local code, out, err = check(table.concat({
      '{"sql":"SELECT count(*) FROM customer, generate_series(1, 200000)"}', -- slower than those behind it
      '{"question":"?","sql":"SELECT name FROM customer;"}', SPIDER, BIRD,
      '{"sql":"DELETE FROM customer"}', '{"sql":"SELECT nothing FROM customer"}', '{"sql":"SELECT 1 FRM x"}',
      '{"sql":"SELECT 1 / (length(name) - length(name)) AS x FROM customer"}', '{"sql":"SELECT name FROM customer WHERE false"}',
      '{"sql":"SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"}',
    }, "\n") .. "\n", { "--json" })
    assert.equal(7, code, err)
    local got, gates, layers = {}, {}, {}
    for line in out:gmatch("[^\n]+") do got[#got + 1] = json.decode(line) end
    for i, one in ipairs(got) do
      assert.equal(i, one.line)
      assert.equal(one.ok, one.gate == json.null)
      assert.equal(one.ok, one.reason == json.null)
      gates[i], layers[i] = one.ok and "ok" or one.gate, one.layer or "-"
    end
    assert.equal("ok ok ok ok safe grounded parse execute answer explain", table.concat(gates, " "))
    assert.equal("- - - - gate - - - - limits", table.concat(layers, " "))
    assert.equal("22012", got[8].sqlstate)
    assert.equal(1, got[3].rows)
    assert.truthy(err:find("file.jsonl: 10 lines, 4 ok, 6 fell (parse 1, safe 1, grounded 1, explain 1, execute 1, answer 1)",
      1, true), err)
  end)

  it("is content where all pass", function()
    local code, out, err = check('{"sql":"SELECT 1"}\n{"sql":"SELECT 2"}')
    assert.same({ 0, "1: ok\n2: ok\n" }, { code, out })
    assert.truthy(err:find("file.jsonl: 2 lines, 2 ok, 0 fell\n", 1, true), err)
    code, out = check("")
    assert.same({ 0, "" }, { code, out })
  end)

  it("takes a BOM, CRLF and spaces, and names every bad line", function()
    local long = ('{"sql":"SELECT 1","x":"%s"}'):format(("x"):rep(5 << 20))
    local code, out = check("\xEF\xBB\xBF{\"sql\":\"SELECT 1\"}\r\n\r\n" .. long .. "\n  {\"sql\":\"SELECT 1\"}  \n"
      .. "a\0b\n{\"sql\":\"SELECT '\xff'\"}\n{\"sql\":\"SELECT 1\"}")
    assert.equal(7, code)
    local lines = {}
    for line in out:gmatch("[^\n]+") do lines[#lines + 1] = line end
    assert.same({ "1: ok", "2: read: the line is empty", "3: read: the line has more than 4194304 bytes", "4: ok" },
      { lines[1], lines[2], lines[3], lines[4] })
    assert.truthy(lines[5]:find("^5: read: not JSON: "), lines[5])
    assert.truthy(lines[6]:find("^6: read: "), lines[6])
    assert.same({ "7: ok", 7 }, { lines[7], #lines })
  end)

  it("asks for the field where a file has two, and takes it", function()
    local two = '{"sql":"SELECT 1 FRM","query":"SELECT 1"}\n'
    local code, out = check(two)
    assert.same({ 7, '1: read: both "query" and "sql" hold a query: name the one with --field\n' }, { code, out })
    code, out = check(two, { "--field", "query" })
    assert.same({ 0, "1: ok\n" }, { code, out })
  end)

  it("says what to do with an array", function()
    local code, out, err = check('[\n  {"sql":"SELECT 1"}\n]\n')
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("file.jsonl is a JSON array, and not one object a line: jq -c '.[]' file.jsonl makes lines of it",
      1, true), err)
  end)

  it("says in one line what cannot be read", function()
    local code, _, err = support.nlsql(dir, { "check", "none.jsonl" }, { DATABASE_URL = url })
    assert.equal(1, code)
    assert.truthy(err:find("error: cannot read none.jsonl: No such file or directory", 1, true), err)
    code, _, err = support.nlsql(dir, { "check", "." }, { DATABASE_URL = url })
    assert.equal(1, code)
    assert.truthy(err:find("error: cannot read .\n", 1, true), err)
    code, _, err = support.nlsql(dir, { "check" }, { DATABASE_URL = url })
    assert.equal(2, code)
    assert.truthy(err:find("which file?", 1, true), err)
  end)

  it("reads standard input as it comes", function()
    local program = support.build() .. "/nlsql"
    local command = ([[{ echo '{"sql":"SELECT 1"}'; sleep 0.3; echo '{"sql":"SELECT 1 FROM FROM"}'; } | "$0" check - -q]])
    local _, out = proc.run { argv = { "sh", "-c", command, program }, env = { DATABASE_URL = url }, cwd = dir }
    assert.truthy(out:find("1: ok\n2: parse: ", 1, true), out)
  end)

  --- Peak memory of a check of `n` lines of a kilobyte, of which one in fifty asks the database.
  local function peak(n)
    local f = assert(io.open(dir .. "/big.jsonl", "wb"))
    local pad = ("x"):rep(1000)
    for i = 1, n do
      f:write(('{"question":"%s","sql":"%s"}\n'):format(pad, i % 50 == 0 and "SELECT name FROM customer LIMIT " .. i
        or "DELETE FROM customer"))
    end
    f:close()
    local p = assert(proc.start { argv = { support.build() .. "/nlsql", "check", "big.jsonl" }, cwd = dir, stderr = "null",
      env = { DATABASE_URL = url }, stdout = dir .. "/out" })
    local kb = 0
    while true do
      local status = p:wait(0.02)
      local now = (support.read(("/proc/%d/status"):format(p:pid())) or ""):match("VmHWM:%s*(%d+)")
      kb = math.max(kb, tonumber(now or 0))
      if status then
        assert.equal(7, status)
        break
      end
    end
    local lines = 0
    for line in io.lines(dir .. "/out") do
      lines = lines + 1
      assert(line:find(("^%d: "):format(lines)), line)
      assert.equal(lines % 50 == 0, line:find(": ok", 1, true) ~= nil)
    end
    assert.equal(n, lines)
    return kb
  end

  it("takes no more memory for a larger file", function()
    if os.getenv("NLSQL_SANITIZED") then return end -- sanitizers keep what was freed
    local small, large = peak(1500), peak(15000)
    assert.is_true(large - small < 4096, ("%d kB, then %d kB"):format(small, large))
  end)

  it("ends where the database is gone, and tells the line", function()
    local cluster = require "nlsql.cluster"
    local server = assert(cluster.start {})
    assert(server:create("shop", { "tests/data/shop.sql" }))
    local lines = {}
    for i = 1, 60000 do lines[i] = ('{"sql":"SELECT name FROM customer LIMIT %d"}'):format(i) end
    support.write(dir .. "/file.jsonl", table.concat(lines, "\n"))
    local p = assert(proc.start { argv = { support.build() .. "/nlsql", "check", "file.jsonl", "--set", "connect_timeout=0.5" },
      cwd = dir, env = { DATABASE_URL = server:url("shop") }, stdout = dir .. "/out", stderr = dir .. "/err" })
    for _ = 1, 500 do -- standard output is written in blocks
      if #(support.read(dir .. "/out") or "") > 0 then break end
      jobs.sleep(0.01)
    end
    server:stop()
    assert.equal(4, p:wait(30))
    local _, printed = support.read(dir .. "/out"):gsub("\n", "")
    local err = support.read(dir .. "/err")
    assert.truthy(err:find(("file.jsonl: %d lines, %d ok, 0 fell"):format(printed, printed), 1, true), err)
    assert.truthy(err:find(("error: line %d: "):format(printed + 1), 1, true), err)
    assert.is_true(printed < 60000)
  end)
end)
