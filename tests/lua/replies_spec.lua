local json = require "nlsql.json"
local replies = require "nlsql.replies"

local ONE = '{"question": "How many?", "sql": "SELECT 1"}'
local TWO = '{"question": "Which?", "sql": "SELECT 2"}'
local P1 = { question = "How many?", sql = "SELECT 1" }
local P2 = { question = "Which?", sql = "SELECT 2" }

describe("replies.read takes", function()
  local cases = {
    { "one object", ONE, { P1 } },
    { "one object a line", ONE .. "\n" .. TWO .. "\n", { P1, P2 } },
    { "objects on one line", ONE .. TWO, { P1, P2 } },
    { "objects with commas between", ONE .. ",\n" .. TWO .. ",", { P1, P2 } },
    { "an array", "[" .. ONE .. ",\n " .. TWO .. "]", { P1, P2 } },
    { "several arrays", "[" .. ONE .. "]\n[" .. TWO .. "]", { P1, P2 } },
    { "a pairs wrapper", '{"pairs": [' .. ONE .. "," .. TWO .. "]}", { P1, P2 } },
    { "a results wrapper", '{"results": [' .. ONE .. "]}", { P1 } },
    { "a data wrapper", '{"data": [' .. ONE .. "]}", { P1 } },
    { "an items wrapper with other members", '{"n": 1, "items": [' .. ONE .. "]}", { P1 } },
    { "a wrapper of a name of its own", '{"my_pairs": [' .. ONE .. "]}", { P1 } },
    { "a wrapper around one object", '{"data": ' .. ONE .. "}", { P1 } },
    { "a wrapper in a wrapper", '{"data": {"pairs": [' .. ONE .. "]}}", { P1 } },
    { "lists in a list", "[[" .. ONE .. "],[" .. TWO .. "]]", { P1, P2 } },
    { "a fence", "```json\n" .. ONE .. "\n```", { P1 } },
    { "a fence for each", "```json\n" .. ONE .. "\n```\n```\n" .. TWO .. "\n```", { P1, P2 } },
    { "a fence with chatter around it", "Sure!\n```json\n" .. ONE .. "\n```\nAnything else?", { P1 } },
    { "a fence that is never closed", "```json\n" .. ONE, { P1 } },
    { "numbered items", "1. " .. ONE .. "\n2. " .. TWO, { P1, P2 } },
    { "dashes, stars and brackets", "- " .. ONE .. "\n * " .. TWO .. "\n(3) " .. ONE, { P1, P2 } },
    { "prose with an apostrophe and quotes", [[Here's what "you" asked for: ]] .. ONE .. " - that's it",
      { P1 } },
    { "prose with brackets", "See [1] and {x} (a[0]): " .. ONE .. " [end]", { P1 } },
    { "a thought before it", "<think>maybe " .. TWO .. "?</think>\n" .. ONE, { P1 } },
    { "a thought in capitals", "<Think>" .. TWO .. "</Think>" .. ONE, { P1 } },
    { "a <thinking> block", "<thinking>\n" .. TWO .. "\n</thinking>\n\n" .. ONE, { P1 } },
    { "a thought between", ONE .. "\n<think>" .. ONE .. "</think>\n" .. TWO, { P1, P2 } },
    { "a thought that only ends", "well, " .. TWO .. "\n</think>\n\n" .. ONE, { P1 } },
    { "an end of thought behind all", ONE .. "\n</think>", { P1 } },
    { "the same and a line's end", ONE .. "\n</think>\n\n", { P1 } },
    { "tags in a question",
      '{"question": "What is <think>?", "sql": "SELECT \'</think>\'"}',
      { { question = "What is <think>?", sql = "SELECT '</think>'" } } },
    { "pretty-printed JSON", '{\n  "question" : "How many?",\n\t"sql"\n:\n"SELECT 1"\n}', { P1 } },
    { "query for sql", '{"question": "How many?", "query": "SELECT 1"}', { P1 } },
    { "SQL in capitals", '{"Question": "How many?", "SQL": "SELECT 1"}', { P1 } },
    { "answer_sql and nl", '{"nl": "How many?", "answer_sql": "SELECT 1"}', { P1 } },
    { "natural_language_question", '{"natural_language_question": "How many?", "sql": "SELECT 1"}', { P1 } },
    { "sql before query", '{"question": "How many?", "query": "the count", "sql": "SELECT 1"}',
      { { question = "How many?", sql = "SELECT 1", query = "the count" } } },
    { "other text members",
      '{"id": 7, "difficulty": "easy", "tags": ["a"], "question": "How many?", "sql": "SELECT 1", "x": null}',
      { { question = "How many?", sql = "SELECT 1", difficulty = "easy" } } },
    { "doubles once", ONE .. TWO .. ONE .. '{"sql": "SELECT 1;", "question": " How many? "}', { P1, P2 } },
    { "escapes", [[{"question": "Caf\u00e9 \"x\"\n\ud83d\ude00", "sql": "SELECT '\\d+\\.' ~ E'\\\\'"}]],
      { { question = 'Café "x"\n😀', sql = [[SELECT '\d+\.' ~ E'\\']] } } },
    { "a raw line break and tab in the SQL", '{"question": "How many?", "sql": "SELECT 1\n\tFROM t"}',
      { { question = "How many?", sql = "SELECT 1\n\tFROM t" } } },
    { "raw line breaks, in order", ONE .. '\n{"question": "a", "sql": "SELECT\n3"}\n' .. TWO,
      { P1, { question = "a", sql = "SELECT\n3" }, P2 } },
    { "raw line breaks in a wrapper", '{"pairs": [{"question": "a", "sql": "SELECT\n3"},\n' .. TWO .. "]}",
      { { question = "a", sql = "SELECT\n3" }, P2 } },
    { "a wrapper with a final comma", '{"pairs": [' .. ONE .. ",\n" .. TWO .. ",\n]}", { P1, P2 } },
    { "brackets in strings", '{"question": "a } ] {", "sql": "SELECT \'{\' || ARRAY[1]::text"}',
      { { question = "a } ] {", sql = "SELECT '{' || ARRAY[1]::text" } } },
    { "a byte order mark", "\xEF\xBB\xBF" .. ONE, { P1 } },
    { "Windows line ends", ONE .. "\r\n" .. TWO .. "\r\n", { P1, P2 } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local got, state, rejected = replies.read(case[2])
      assert.same(case[3], got)
      assert.is_nil(state)
      assert.same({}, rejected)
    end)
  end
end)

describe("replies.read says", function()
  local cases = {
    { "empty of nothing", "", {}, "empty" },
    { "empty of blank space", " \n\t", {}, "empty" },
    { "empty of a thought alone", "<think>hm</think>\n", {}, "empty" },
    { "no_json of prose", "I cannot help with that.", {}, "no_json" },
    { "no_json of bare SQL", "SELECT a[1] FROM t WHERE x = '{1,2}';", {}, "no_json" },
    { "no_json of fenced SQL", "```sql\nSELECT 1;\n```", {}, "no_json" },
    { "truncated of an unclosed thought", "<think>let me see " .. ONE, {}, "truncated" },
    { "truncated of a cut question", '{"question":"How m', {}, "truncated" },
    { "truncated of a cut query", '{"question": "a", "sql": "SELECT', {}, "truncated" },
    { "truncated of a cut query of several lines", '{"question": "a", "sql": "SELECT 1\nFROM', {},
      "truncated" },
    { "truncated of a cut key", '{"quest', {}, "truncated" },
    { "truncated of an open brace", "{", {}, "truncated" },
    { "truncated of a cut escape", '{"question": "a\\', {}, "truncated" },
    { "truncated of a missing end", '{"question": "a", "sql": "SELECT 1"', {}, "truncated" },
    { "truncated behind whole pairs", ONE .. "\n" .. TWO .. '\n{"question": "Wh', { P1, P2 }, "truncated" },
    { "truncated in an array", "[" .. ONE .. ', {"question": "Wh', { P1 }, "truncated" },
    { "truncated in a wrapper", '{"pairs": [' .. ONE .. ",\n" .. TWO .. ', {"ques', { P1, P2 }, "truncated" },
    { "truncated of a wrapper's missing end", '{"pairs": [' .. ONE .. "," .. TWO, { P1, P2 }, "truncated" },
    { "truncated in a fence", "```json\n[\n" .. ONE .. ',\n{"question": "W', { P1 }, "truncated" },
    { "nothing_usable of other JSON", '{"tables": ["a", "b"]}', {}, "nothing_usable" },
    { "nothing_usable of an empty wrapper", '{"pairs": []}', {}, "nothing_usable" },
    { "nothing_usable of pairs that are none", '{"question": "a"}', {}, "nothing_usable" },
    { "nothing_usable of broken JSON", '{"question": "a" "sql": "b"}', {}, "nothing_usable" },
    { "nothing of a missing brace on the way", '{"question": "a", "sql": "b"\n' .. ONE, { P1 }, nil },
    { "nothing of a missing brace and a comma", '[{"question": "a", "sql": "b",\n' .. ONE .. "]",
      { P1 }, nil },
    { "nothing of an odd quote on the way", '{"question": "a "b", "sql": "c"}\n' .. ONE, { P1 }, nil },
    { "nothing of an odd quote at the end", ONE .. '\n{"question": "a "b", "sql": "c"}\n\nBye!',
      { P1 }, nil },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local got, state = replies.read(case[2])
      assert.same(case[3], got)
      assert.equal(case[4], state)
    end)
  end
end)

describe("replies.read refuses", function()
  local cases = {
    { "a missing query", '{"question": "a"}', "there is no query" },
    { "a missing question", '{"sql": "SELECT 1"}', "there is no question" },
    { "a null query", '{"question": "a", "sql": null}', "the query is null, not text" },
    { "a number for a question", '{"question": 5, "sql": "SELECT 1"}', "the question is a number, not text" },
    { "a decimal for a query", '{"question": "a", "sql": 1.10}', "the query is a number, not text" },
    { "true for a query", '{"question": "a", "sql": true}', "the query is true or false, not text" },
    { "a list of queries", '{"question": "a", "sql": ["SELECT 1"]}', "the query is a list, not text" },
    { "an empty list for a query", '{"question": "a", "sql": []}', "the query is a list, not text" },
    { "an object for a question", '{"question": {"en": "a"}, "sql": "SELECT 1"}',
      "the question is an object, not text" },
    { "an empty question", '{"question": " ", "sql": "SELECT 1"}', "the question is empty" },
    { "a query of a semicolon", '{"question": "a", "sql": " ; "}', "the query is empty" },
    { "an empty fence", '{"question": "a", "sql": "```sql\\n```"}', "the query is empty" },
    { "a NUL", '{"question": "a", "sql": "SELECT \\u0000"}', "the query holds a NUL" },
    { "text among pairs", '[{"question": "a", "sql": ""}, "SELECT 1"]', "the query is empty",
      "not what was asked for" },
    { "a list among pairs", "[" .. '{"question": "a"}' .. ", [1]]", "there is no query",
      "not what was asked for" },
    { "other objects", '{"thing": 1, "other": 2}', "not what was asked for" },
    { "single quotes", "{'question': 'a', 'sql': 'b'}", "not valid JSON" },
    { "keys without quotes", '{question: "a", sql: "b"}', "not valid JSON" },
    { "a missing comma", '{"question": "a" "sql": "b"}', "not valid JSON" },
    { "a missing brace", '{"question": "a", "sql": "b"\n' .. ONE, "not valid JSON" },
    { "odd quotes", '{"question": "a "b", "sql": "c"}\n' .. ONE, "not valid JSON" },
    { "odd quotes at the end", '{"question": "a "b", "sql": "c"}\n\nBye!', "not valid JSON" },
    { "arrays in a broken query", '{"question": "a", "sql": "SELECT "x", ARRAY[1,2], \'{"a":1}\'"}',
      "not valid JSON" },
    { "one of several in a wrapper", '{"pairs": [' .. ONE .. ', {"question": "a", "sql": "b" "c"}, '
      .. TWO .. "]}",
      "not valid JSON" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local _, _, rejected = replies.read(case[2])
      local reasons = {}
      for i, one in ipairs(rejected) do
        reasons[i] = one.reason
        assert.is_string(one.text)
        assert.are_not.equal("", one.text)
      end
      table.sort(reasons)
      local expected = { table.unpack(case, 3) }
      table.sort(expected)
      assert.same(expected, reasons)
    end)
  end

  it("and shows the piece, shortened between characters", function()
    local _, _, rejected = replies.read('x {"question": "é' .. ("ü"):rep(400) .. '", "sql": 1} y')
    assert.equal(1, #rejected)
    assert.truthy(utf8.len(rejected[1].text))
    assert.is_true(#rejected[1].text <= 310)
    _, _, rejected = replies.read('x {"question": "a" 1} y')
    assert.equal('{"question": "a" 1}', rejected[1].text)
  end)
end)

describe("a query's text", function()
  local cases = {
    { "is kept", "SELECT 1", "SELECT 1" },
    { "loses its final semicolon", "SELECT 1;", "SELECT 1" },
    { "loses several", "SELECT 1 ; ;\n", "SELECT 1" },
    { "loses one before a comment", "SELECT 1; -- done", "SELECT 1 -- done" },
    { "keeps one between statements", "SELECT 1; SELECT 2;", "SELECT 1; SELECT 2" },
    { "keeps one before a literal", "SELECT 1; 'x'", "SELECT 1; 'x'" },
    { "keeps one in a literal", "SELECT ';'", "SELECT ';'" },
    { "keeps one in an open literal", "SELECT 'a;", "SELECT 'a;" },
    { "keeps one at a line comment's end", "SELECT 1 -- all;", "SELECT 1 -- all;" },
    { "keeps one in a block comment", "SELECT 1 /* a; /* b; */ c; */", "SELECT 1 /* a; /* b; */ c; */" },
    { "keeps one in a comment that never ends", "SELECT 1 /* a /* b */ c;", "SELECT 1 /* a /* b */ c;" },
    { "loses one behind a comment in a comment", "SELECT 1 /* a /* b */ c */;",
      "SELECT 1 /* a /* b */ c */" },
    { "loses one behind a lone dash and slash", "SELECT 4-2/1;", "SELECT 4-2/1" },
    { "keeps one in an identifier", 'SELECT 1 AS "a;"', 'SELECT 1 AS "a;"' },
    { "keeps one in a dollar literal", "SELECT $x$a;$x$", "SELECT $x$a;$x$" },
    { "keeps one behind a doubled quote", "SELECT 'it''s;'", "SELECT 'it''s;'" },
    { "keeps one behind an escaped quote", [[SELECT E'it\'s;']], [[SELECT E'it\'s;']] },
    { "loses one behind an escaped quote", [[SELECT E'\'';]], [[SELECT E'\'']] },
    { "is read from its first character on", [[E'\'';]], [[E'\'']] },
    { "is one dollar literal", "$$;$$;", "$$;$$" },
    { "takes a name's last letter for no E", [[SELECT date'2024\';]], [[SELECT date'2024\']] },
    { "takes a backslash for itself in a plain literal", [[SELECT 'a\';]], [[SELECT 'a\']] },
    { "loses one behind a dollar parameter", "SELECT $1;", "SELECT $1" },
    { "loses one behind a name with a dollar", "SELECT a$b$ FROM c$b$;", "SELECT a$b$ FROM c$b$" },
    { "keeps its backslashes", [[SELECT '\d' ~ '\\';]], [[SELECT '\d' ~ '\\']] },
    { "keeps its line breaks and comments", "-- a\nSELECT 1\n\n  /* b */;", "-- a\nSELECT 1\n\n  /* b */" },
    { "loses a fence", "```sql\nSELECT 1;\n```", "SELECT 1" },
    { "loses a fence without a name", "```\nSELECT 1\n```", "SELECT 1" },
    { "loses a fence on one line", "```sql SELECT 1```", "SELECT 1" },
    { "loses back quotes", "`SELECT 1;`", "SELECT 1" },
    { "keeps a lone back quote", "`SELECT 1", "`SELECT 1" },
    { "loses blank space", "\n \tSELECT 1\r\n", "SELECT 1" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local got = replies.read(assert(json.encode { question = "a", sql = case[2] }))
      assert.equal(case[3], got[1].sql)
    end)
  end
end)

describe("replies.sets", function()
  local AB, CD = { "a", "b" }, { "c", "d" }
  local cases = {
    { "one object a line", '{"tables": ["a", "b"]}\n{"tables": ["c", "d"]}', { AB, CD } },
    { "an array", '[{"tables": ["a", "b"]}, {"tables": ["c", "d"]}]', { AB, CD } },
    { "a wrapper", '{"sets": [{"tables": ["a", "b"]}]}', { AB } },
    { "a wrapper of lists", '{"table_sets": [["a", "b"], ["c", "d"]]}', { AB, CD } },
    { "bare lists", '1. ["a", "b"]\n2. ["c", "d"]', { AB, CD } },
    { "a fence and prose", 'Here:\n```json\n{"tables": ["a","b"]}\n```', { AB } },
    { "a thought", '<think>["x", "y"]</think>{"tables": ["a", "b"]}', { AB } },
    { "names given as objects", '{"tables": [{"name": "a"}, {"table": "b"}]}', { AB } },
    { "names with space around", '{"tables": [" a", "b\\n"]}', { AB } },
    { "qualified names as they are", '{"tables": ["Sales.\\"Order\\"", "b"]}', { { 'Sales."Order"', "b" } } },
    { "a name given twice, once", '{"tables": ["a", "b", "a"]}', { AB } },
    { "a set given twice, once, whatever its order", '{"tables": ["a","b"]}{"tables": ["b","a"]}', { AB } },
  }
  for _, case in ipairs(cases) do
    it("takes " .. case[1], function()
      local got, state, rejected = replies.sets(case[2])
      assert.same(case[3], got)
      assert.is_nil(state)
      assert.same({}, rejected)
    end)
  end

  local faults = {
    { "a cut reply", '{"tables": ["a", "b"]}\n{"tables": ["c"', { AB }, "truncated" },
    { "a cut wrapper", '{"sets": [{"tables": ["a", "b"]}', { AB }, "truncated" },
    { "nothing", "", {}, "empty" },
    { "prose", "Tables a and b.", {}, "no_json" },
    { "text for a list", '{"tables": "a, b"}', {}, "nothing_usable", "the tables are text, not a list" },
    { "null for a list", '{"tables": null}', {}, "nothing_usable", "the tables are null, not a list" },
    { "an empty list", '{"tables": []}', {}, "nothing_usable", "the set of tables is empty" },
    { "a number among the names", '{"tables": ["a", 5]}', {}, "nothing_usable",
      "a table's name is not text" },
    { "an empty name", '{"tables": ["a", ""]}', {}, "nothing_usable", "a table's name is not text" },
    { "pairs", ONE, {}, "nothing_usable", "not what was asked for" },
  }
  for _, case in ipairs(faults) do
    it("reports " .. case[1], function()
      local got, state, rejected = replies.sets(case[2])
      assert.same(case[3], got)
      assert.equal(case[4], state)
      assert.equal(case[5], rejected[1] and rejected[1].reason)
    end)
  end
end)

describe("replies.verdict", function()
  local cases = {
    { "all three", '{"score": 0.8, "reason": "slow", "fixed_sql": "SELECT 2;"}', 0.8, "slow", "SELECT 2" },
    { "a whole number", '{"score": 1, "reason": "good"}', 1.0, "good" },
    { "zero", '{"score": 0, "reason": "bad"}', 0.0, "bad" },
    { "a decimal that no double holds", '{"score": 0.1000000000000000000001, "reason": "x"}', 0.1, "x" },
    { "a score as text", '{"score": " 0.75 ", "reason": "x"}', 0.75, "x" },
    { "a score of ten", '{"score": "8/10", "reason": "x"}', 0.8, "x" },
    { "a percentage", '{"score": "85 %", "reason": "x"}', 0.85, "x" },
    { "a score of who knows what", '{"score": 8, "reason": "x"}', nil, "x" },
    { "a negative score", '{"score": -0.5, "reason": "x"}', nil, "x" },
    { "a score in words", '{"score": "high", "reason": "x"}', nil, "x" },
    { "a score by zero", '{"score": "1/0", "reason": "x"}', nil, "x" },
    { "null throughout", '{"score": null, "reason": null, "fixed_sql": null}' },
    { "an empty repair", '{"score": 1, "reason": "x", "fixed_sql": ""}', 1.0, "x" },
    { "the word null", '{"score": 1, "reason": "x", "fixed_sql": "null"}', 1.0, "x" },
    { "the word None", '{"score": 1, "reason": "x", "fixed_sql": "None"}', 1.0, "x" },
    { "a repair that is no text", '{"score": 1, "reason": "x", "fixed_sql": ["SELECT 1"]}', 1.0, "x" },
    { "a repair alone, fenced", '{"fixed_sql": "```sql\\nSELECT 1;\\n```"}', nil, nil, "SELECT 1" },
    { "reasons as a list", '{"score": 1, "reason": ["a", "b"]}', 1.0, "a; b" },
    { "a reason that is no text", '{"score": 1, "reason": {"a": 1}}', 1.0 },
    { "chatter and a fence", 'Review:\n```json\n{"score": 0.5, "reason": "x"}\n```\nDone.', 0.5, "x" },
    { "a thought", '<think>{"score": 0}</think>{"score": 0.5, "reason": "x"}', 0.5, "x" },
    { "a wrapper", '{"review": {"score": 0.5, "reason": "x"}}', 0.5, "x" },
    { "a list of one", '[{"score": 0.5, "reason": "x"}]', 0.5, "x" },
    { "capitals", '{"Score": 0.5, "Reason": "x", "Fixed_SQL": "SELECT 1"}', 0.5, "x", "SELECT 1" },
    { "the first of two", '{"score": 0.5, "reason": "x"} {"score": 0.9, "reason": "y"}', 0.5, "x" },
    { "a raw line break", '{"score": 0.5, "reason": "x", "fixed_sql": "SELECT\n1"}', 0.5, "x", "SELECT\n1" },
  }
  for _, case in ipairs(cases) do
    it("understands " .. case[1], function()
      local got = assert(replies.verdict(case[2]))
      assert.same({ score = case[3], reason = case[4], fixed_sql = case[5] }, got)
    end)
  end

  for _, case in ipairs {
    { "", "empty" }, { "It is fine.", "no_json" }, { '{"score": 0.5, "rea', "truncated" },
    { ONE, "nothing_usable" },
  } do
    it(("says %s of %q"):format(case[2], case[1]), function()
      local got, state = replies.verdict(case[1])
      assert.is_nil(got)
      assert.equal(case[2], state)
    end)
  end
end)

describe("a huge reply", function()
  --- Twice as much may take about twice as long; a quadratic reader takes four times.
  local function takes(make, n)
    local text = make(n)
    local began = os.clock()
    replies.read(text)
    return os.clock() - began
  end
  local kinds = {
    { "of pairs", function(n)
      local out = {}
      for i = 1, n do out[i] = ('{"question": "q%d", "sql": "SELECT %d FROM t;"}'):format(i, i) end
      return table.concat(out, "\n")
    end },
    { "of broken objects", function(n) return ('{"question": "a" "sql": "b"}\n'):rep(n) end },
    { "of prose", function(n) return ("It's [1] a {thing} \"or\" <think two.\n"):rep(n) end },
    { "of a cut wrapper", function(n) return '{"pairs": [' .. (ONE .. ",\n"):rep(n) end },
    { "of blank space", function(n) return (" \n\t"):rep(10 * n) end },
    { "of thoughts", function(n) return ("<think>a</think>\n"):rep(n) end },
    { "of ends of thoughts", function(n) return ("a</think>\n"):rep(n) end },
    { "of quotes in a query", function(n)
      return assert(json.encode { question = "a", sql = "SELECT " .. ("''';--/*$a$"):rep(n) })
    end },
    { "of semicolons", function(n)
      return assert(json.encode { question = "a", sql = "SELECT 1" .. (" ;"):rep(n) })
    end },
    { "of open brackets", function(n) return ("["):rep(10 * n) end },
    { "of open braces and pairs", function(n) return ("{ " .. ONE .. "\n"):rep(n) end },
    { "of brackets closed around nonsense", function(n)
      return ("["):rep(10 * n) .. "x" .. ("]"):rep(10 * n)
    end },
    { "of brackets in each other's strings", function(n) return ('[\\"'):rep(4 * n) end },
    { "of the same with an end", function(n) return ('[\\"'):rep(4 * n) .. '"' .. ('"a"'):rep(4 * n) end },
    { "of nested thoughts", function(n) return ("<think>\n"):rep(n) end },
  }
  for _, kind in ipairs(kinds) do
    it(kind[1] .. " takes linear time", function()
      takes(kind[2], 1000)
      local small = takes(kind[2], 4000)
      local big = takes(kind[2], 16000)
      assert.is_true(big < 10 * small + 0.05, ("%.3f s, then %.3f s for 4 times as much"):format(small, big))
    end)
  end

  for _, noise in ipairs { "[", '[\\"', '{"a', "{ x " } do
    it("of " .. noise .. " still gives up the pair behind it", function()
      assert.same({ P1 }, (replies.read(noise:rep(30000) .. "\n" .. ONE)))
    end)
  end

  it("nested without end is refused, not followed", function()
    local got, state = replies.read(("["):rep(5000) .. ONE .. ("]"):rep(5000))
    assert.is_true(#got <= 1)
    assert.is_true(state == nil or state == "truncated" or state == "nothing_usable")
  end)
end)

describe("a caller's mistake", function()
  it("raises", function()
    assert.has_error(function() replies.read(nil) end, "replies.read(text) takes a string")
    assert.has_error(function() replies.sets({}) end, "replies.sets(text) takes a string")
    assert.has_error(function() replies.verdict() end, "replies.verdict(text) takes a string")
  end)
end)

describe("replies.answers takes", function()
  local A = '{"question": "What is a store?", "answer": "A shop."}'
  local P = { question = "What is a store?", answer = "A shop." }
  local cases = {
    { "one object", A, { P } },
    { "a pairs wrapper in a fence", "Sure:\n```json\n{\"pairs\": [" .. A .. "]}\n```", { P } },
    { "a data wrapper in a thought's wake", "<think>{}</think>{\"data\": [" .. A .. "]}", { P } },
    { "numbered items, doubles once", "1. " .. A .. "\n2. " .. A, { P } },
    { "other names", '{"Q": "What is a store?", "A": "A shop."}', { P } },
    { "nl_question and nl_answer", '{"nl_question": "What is a store?", "nl_answer": "A shop."}', { P } },
    { "response for answer", '{"question": "What is a store?", "response": "A shop."}', { P } },
    { "a wrapper that is called response", '{"response": [' .. A .. "]}", { P } },
    { "a list of texts", '{"question": "Which?", "answer": ["a", "b"]}', { { question = "Which?", answer = "a\nb" } } },
    { "other text members", '{"question": "What is a store?", "answer": "A shop.", "table": "store", "n": 1}',
      { { question = "What is a store?", answer = "A shop.", table = "store" } } },
    { "an answer as it is written, semicolons and fences too", '{"question": "How?", "answer": " `SELECT 1;` "}',
      { { question = "How?", answer = "`SELECT 1;`" } } },
    { "two answers to one question", '{"question": "a", "answer": "b"}{"question": "a", "answer": "c"}',
      { { question = "a", answer = "b" }, { question = "a", answer = "c" } } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local got, state, rejected = replies.answers(case[2])
      assert.same(case[3], got)
      assert.is_nil(state)
      assert.same({}, rejected)
    end)
  end
end)

describe("replies.answers refuses", function()
  local cases = {
    { "a missing answer", '{"question": "a", "sql": "SELECT 1"}', "there is no answer" },
    { "a missing question", '{"answer": "a"}', "there is no question" },
    { "a number for an answer", '{"question": "a", "answer": 5}', "the answer is a number, not text" },
    { "an empty list", '{"question": "a", "answer": []}', "the answer is a list, not text" },
    { "a list with an object", '{"question": "a", "answer": ["b", {"c": 1}]}', "the answer is a list, not text" },
    { "an empty answer", '{"question": "a", "answer": " "}', "the answer is empty" },
    { "a list of nothing", '{"question": "a", "answer": ["", " "]}', "the answer is empty" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local got, state, rejected = replies.answers(case[2])
      assert.same({}, got)
      assert.equal("nothing_usable", state)
      assert.equal(case[3], rejected[1].reason)
    end)
  end

  it("what was cut off", function()
    local got, state = replies.answers('{"pairs": [{"question": "a", "answer": "b"}, {"question": "c", "answer": "d')
    assert.same({ { question = "a", answer = "b" } }, got)
    assert.equal("truncated", state)
  end)

  it("what is no text, as a caller's mistake", function()
    assert.has_error(function() replies.answers({}) end, "replies.answers(text) takes a string")
  end)
end)
