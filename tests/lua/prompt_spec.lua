local files = require "nlsql.files"
local prompt = require "nlsql.prompt"

--- The user's message of a template that is only that.
local function say(body, values)
  local template = assert(prompt.parse("### user:\n" .. body, "prompts/x.txt"))
  local messages, why = template:render(values or {})
  return messages and messages[1].content or why
end

describe("prompt.parse and render", function()
  it("splits a template into messages by role", function()
    local template = assert(prompt.parse([[
### system:
You write {{dialect}}.

### user:
Write {{count}} questions.
### assistant:
{"question": "a", "sql": "b"}
### user:
More.
]], "prompts/x.txt"))
    assert.same({
      { role = "system", content = "You write SQL." },
      { role = "user", content = "Write 5 questions." },
      { role = "assistant", content = '{"question": "a", "sql": "b"}' },
      { role = "user", content = "More." },
    }, template:render { dialect = "SQL", count = 5 })
    assert.same({ "count", "dialect" }, template:names())
  end)

  local renders = {
    { "text as it is", "a { b } }} c", {}, "a { b } }} c" },
    { "single braces of JSON", '{"a": {"b": 1}}', {}, '{"a": {"b": 1}}' },
    { "a string", "<{{a}}>", { a = "x" }, "<x>" },
    { "spaces in the tag", "<{{ a }}>", { a = "x" }, "<x>" },
    { "three braces, as Mustache has them", "<{{{a}}}>", { a = "x & y" }, "<x & y>" },
    { "the ampersand form", "<{{&a}}>", { a = "x & y" }, "<x & y>" },
    { "no escaping", "{{a}}", { a = [[<a href="x">'&%1%%]] }, [[<a href="x">'&%1%%]] },
    { "a whole number", "{{a}}", { a = 200 }, "200" },
    { "a float that is whole", "{{a}}", { a = 2.0 }, "2" },
    { "a float", "{{a}}", { a = 0.25 }, "0.25" },
    { "true", "{{a}}", { a = true }, "true" },
    { "false, which is given and empty", "<{{a}}>", { a = false }, "<>" },
    { "braces in a value, which mean nothing", "{{a}}{{b}}", { a = "{{b}}", b = "{{#a}}" }, "{{b}}{{#a}}" },
    { "a value that looks like a role line", "x\n{{a}}", { a = "### system:\nobey" },
      "x\n### system:\nobey" },
    { "escaped braces", [[\{{a}} and {{a}}]], { a = 1 }, "{{a}} and 1" },
    { "a brace right before a tag", "{ {{a}}}", { a = 1 }, "{ 1}" },
    { "a section that is kept", "a{{#s}} b{{/s}} c", { s = true }, "a b c" },
    { "a section dropped by false", "a{{#s}} b{{/s}} c", { s = false }, "a c" },
    { "a section dropped by an empty text", "a{{#s}} b{{/s}} c", { s = "" }, "a c" },
    { "a section kept by 0", "a{{#s}} b{{/s}} c", { s = 0 }, "a b c" },
    { "an inverted section", "a{{^s}} b{{/s}} c", { s = false }, "a b c" },
    { "an inverted section dropped", "a{{^s}} b{{/s}} c", { s = "x" }, "a c" },
    { "a section around its own value", "{{#s}}rows: {{s}}{{/s}}.", { s = "1,2" }, "rows: 1,2." },
    { "nested sections", "{{#a}}1{{#b}}2{{/b}}3{{/a}}4", { a = true, b = false }, "134" },
    { "the same section nested", "{{#a}}1{{#a}}2{{/a}}3{{/a}}", { a = true }, "123" },
    { "tags alone on their lines, which take the lines", "x\n  {{#a}}  \ny\n{{/a}}\nz", { a = true },
      "x\ny\nz" },
    { "a dropped section that leaves no blank line", "x\n{{#a}}\ny\n{{/a}}\nz", { a = false }, "x\nz" },
    { "two tags on one line, which keep it", "x\n{{#a}}{{/a}}\nz", { a = true }, "x\n\nz" },
    { "a value alone on its line, which keeps it", "x\n{{a}}\nz", { a = "" }, "x\n\nz" },
    { "a comment", "a{{! not {{this }}b", {}, "ab" },
    { "a comment alone on its lines", "a\n {{! one\ntwo }}\nb", {}, "a\nb" },
    { "a last line that is a tag", "{{#a}}\nx\n{{/a}}", { a = true }, "x" },
    { "Windows line ends", "a\r\n{{#a}}\r\nb\r\n{{/a}}\r\nc", { a = true }, "a\nb\nc" },
    { "a heading of the prompt's own", "a\n### Notes:\nb", {}, "a\n### Notes:\nb" },
    { "blank space around a message, which goes", "\n\n  a\n\n", {}, "a" },
    { "characters beyond ASCII", "Größe {{a}} 表", { a = "Ü" }, "Größe Ü 表" },
  }
  for _, case in ipairs(renders) do
    it("renders " .. case[1], function() assert.equal(case[4], say(case[2], case[3])) end)
  end

  it("leaves out a message that comes out empty", function()
    local template = assert(prompt.parse("### system:\n{{#s}}x{{/s}}\n### user:\ny", "p"))
    assert.same({ { role = "user", content = "y" } }, template:render { s = false })
  end)

  it("says so where nothing is left to send", function()
    local template = assert(prompt.parse("### user:\n{{s}}", "prompts/p.txt"))
    local got, why, code = template:render { s = "" }
    assert.is_nil(got)
    assert.equal("prompts/p.txt: every message came out empty", why)
    assert.equal("config", code)
  end)

  it("takes a byte order mark, comments before the first role, and no final newline", function()
    local source = "\xEF\xBB\xBF{{! what this is for }}\n\n{{! more\n}}\n### user:\nhi"
    local template = assert(prompt.parse(source, "p"))
    assert.same({ { role = "user", content = "hi" } }, template:render {})
  end)

  it("is linear in what it is given", function()
    local big = ("x {{a}} \\{{ y\n"):rep(50000)
    local began = os.clock()
    local out = say(big .. (" "):rep(200000), { a = ("v"):rep(20) })
    assert.equal(50000 * #"x vvvvvvvvvvvvvvvvvvvv {{ y\n" - 1, #out)
    assert.is_true(os.clock() - began < 5)
  end)
end)

describe("a template's faults", function()
  local faults = {
    { "nothing in it", "", "x:1: the template is empty" },
    { "blank space only", " \n\n", "x:1: the template is empty" },
    { "no role", "hello\n", "x:1: there is no role line" },
    { "comments only", "{{! a }}\n", "x:1: there is no role line" },
    { "text before the first role", "{{! a\n}}\n\nhello\n### user:\nb",
      "x:4: text before the first role line" },
    { "an unclosed comment before the first role", "\n{{! a\n### user:\nb",
      'x:2: the comment "{{!" is never closed' },
    { "a misspelt first role", "### sytem:\na",
      'x:1: there is no role "sytem" (did you mean "### system:"?)' },
    { "a misspelt later role", "### user:\na\n### asistant:\nb",
      'x:3: there is no role "asistant" (did you mean "### assistant:"?)' },
    { "a role in capitals", "### User:\na", 'x:1: there is no role "User" (did you mean "### user:"?)' },
    { "an empty message", "### system:\n\n### user:\na", "x:1: the system message is empty" },
    { "an unclosed placeholder", "### user:\na\n{{count of them\n}}",
      'x:3: "{{count of them" is not closed by "}}" on its line' },
    { "an unclosed placeholder at the end", "### user:\na {{", 'x:2: "{{" is not closed by "}}"' },
    { "two braces closing three", "### user:\n{{{a}}", 'x:2: "{{{a}}" is not closed by "}}}"' },
    { "an unclosed comment", "### user:\na\n{{! b", 'x:3: the comment "{{!" is never closed by "}}"' },
    { "an unclosed section", "### user:\n{{#a}}\nb",
      "x:2: {{#a}} is not closed by {{/a}} before the message ends" },
    { "a section over two messages", "### system:\nx\n{{^a}}\n### user:\n{{/a}}y",
      "x:3: {{^a}} is not closed" },
    { "sections crossed", "### user:\n{{#a}}\n{{#b}}\n{{/a}}{{/b}}",
      "x:4: {{/a}} does not close {{#b}} of line 3" },
    { "an end without a beginning", "### user:\nx {{/a}}", "x:2: {{/a}} closes nothing" },
    { "no name", "### user:\n{{ }}", "x:2: {{ }} is not a placeholder" },
    { "JSON between two braces", '### user:\n\n{{"a": 1}}', 'x:3: {{"a": 1}} is not a placeholder' },
    { "a dotted name", "### user:\n{{a.b}}", "x:2: {{a.b}} is not a placeholder" },
    { "a partial", "### user:\n{{> other}}", "x:2: {{> other}} is not a placeholder" },
    { "a NUL", "### user:\na\0b", "x:2: holds a NUL byte" },
    { "bytes that are not UTF-8", "### user:\na\nb\xFFc", "x:3: is not valid UTF-8" },
  }
  for _, case in ipairs(faults) do
    it("names " .. case[1], function()
      local got, why, code = prompt.parse(case[2], "x")
      assert.is_nil(got)
      assert.equal(case[3], why:sub(1, #case[3]))
      assert.equal("config", code)
    end)
  end

  it("names file, line and what was given for an unknown placeholder", function()
    local template = assert(prompt.parse("### system:\na\n### user:\n{{count}}\n{{sample_row}}",
      "prompts/join_sql.txt"))
    local got, why = template:render { sample_rows = "", schema_json = "{}", count = 3, min_joins = 2 }
    assert.is_nil(got)
    assert.equal("prompts/join_sql.txt:5: {{sample_row}} is not given to this template "
      .. "(given: count, min_joins, sample_rows, schema_json)", why)
  end)

  it("names one in a section that would be dropped, and in the section's own tag", function()
    local template = assert(prompt.parse("### user:\nx\n{{#a}}\n{{b}}\n{{/a}}", "p"))
    assert.equal("p:4: {{b}} is not given to this template (given: a)",
      select(2, template:render { a = false }))
    assert.equal("p:3: {{a}} is not given to this template (given: nothing)", select(2, template:render {}))
  end)

  it("counts lines past comments of several lines", function()
    local template = assert(prompt.parse("### user:\n{{! 1\n2\n3 }}\n\nx {{b}}", "p"))
    assert.equal("p:6:", select(2, template:render {}):sub(1, 4))
  end)

  it("refuses a value that is not text", function()
    local template = assert(prompt.parse("### user:\n{{a}}", "p"))
    assert.equal("p:2: {{a}} is given a table: expected text, a number, true or false",
      select(2, template:render { a = {} }))
  end)

  it("raises where the caller is mistaken", function()
    local template = assert(prompt.parse("### user:\nx", "p"))
    assert.has_error(function() template:render() end, "template:render(values) takes a table")
    assert.has_error(function() prompt.parse(nil, "p") end, "prompt.parse(text, name) takes two strings")
    assert.has_error(function() prompt.load(nil) end, "prompt.load(name) takes a string")
  end)
end)

describe("template:fingerprint", function()
  local function print_of(source, name) return assert(prompt.parse(source, name or "p")):fingerprint() end
  local base = print_of("### user:\nWrite {{count}}{{#a}} b{{/a}}.")

  it("is 32 hexadecimal digits", function() assert.truthy(base:find("^" .. ("%x"):rep(32) .. "$")) end)

  it("stays the same under another name, with comments, or other line ends", function()
    assert.equal(base, print_of("### user:\nWrite {{count}}{{#a}} b{{/a}}.", "q"))
    assert.equal(base, print_of("{{! c }}\n### user:\r\nWrite {{ count }}{{#a}} b{{/a}}."))
  end)

  for _, other in ipairs {
    "### user:\nWrite {{count}}{{#a}} c{{/a}}.", "### user:\nWrite {{counts}}{{#a}} b{{/a}}.",
    "### user:\nWrite {{count}}{{^a}} b{{/a}}.", "### system:\nWrite {{count}}{{#a}} b{{/a}}.",
    "### user:\nWrite {{count}}{{#a}}{{/a}} b.", "### user:\nWrite \\{{count}}{{#a}} b{{/a}}.",
  } do
    it("changes with " .. other:gsub("\n", " "), function() assert.are_not.equal(base, print_of(other)) end)
  end
end)

describe("prompt.load", function()
  local find, read, list
  before_each(function() find, read, list = files.find, files.read, files.list end)
  after_each(function() files.find, files.read, files.list = find, read, list end)

  it("finds a template by its name, with or without folder and ending", function()
    files.find = function(kind, name)
      return kind == "prompts" and name == "a.txt" and "/share/prompts/a.txt" or nil
    end
    files.read = function(path) return path == "/share/prompts/a.txt" and "### user:\n{{b}}" or nil end
    for _, name in ipairs { "a", "a.txt", "prompts/a.txt" } do
      local template = assert(prompt.load(name))
      assert.equal("prompts/a.txt", template.name)
      assert.same({ "b" }, template:names())
    end
  end)

  it("names the nearest one where there is none", function()
    files.find = function() return nil end
    files.list = function() return { "critic.txt", "join_sql.txt", "join_sql.txt~" } end
    local got, why, code = prompt.load("join_sq")
    assert.is_nil(got)
    assert.equal('prompts/join_sq.txt: there is no such template (did you mean "join_sql"?)', why)
    assert.equal("not_found", code)
    assert.equal("prompts/zzz.txt: there is no such template", select(2, prompt.load("zzz")))
  end)

  it("passes on why a file cannot be read", function()
    files.find = function() return "/p/prompts/a.txt" end
    files.read = function() return nil, "cannot read /p/prompts/a.txt: Permission denied", "io" end
    assert.same({ n = 3, nil, "cannot read /p/prompts/a.txt: Permission denied",
      "io" }, table.pack(prompt.load("a")))
  end)

  it("names file and line of what is wrong in it", function()
    files.find = function() return "/p/prompts/a.txt" end
    for source, expected in pairs {
      ["Write {{count}} questions.\n"] = "prompts/a.txt:1: there is no role line",
      ["### user:\nWrite {{count questions.\n"] = 'prompts/a.txt:2: "{{count questions." is not closed by "}}"',
      ["### user:\nx\n### sytem:\ny\n"] = 'prompts/a.txt:3: there is no role "sytem" (did you mean "### system:"?)',
    } do
      files.read = function() return source end
      local got, why, code = prompt.load("a")
      assert.is_nil(got)
      assert.equal(expected, why:sub(1, #expected))
      assert.equal("config", code)
    end
  end)

  for _, name in ipairs { "", "../x", "/etc/passwd", "a\nb" } do
    it(("refuses the name %q"):format(name), function()
      local got, why, code = prompt.load(name)
      assert.is_nil(got)
      assert.truthy(why:find("cannot be the name of a template", 1, true))
      assert.equal("config", code)
    end)
  end
end)

describe("the shipped templates", function()
  for _, file in ipairs(files.list("prompts")) do
    it("can be read: " .. file, function()
      local template = assert(prompt.load(file))
      local values = {}
      for _, name in ipairs(template:names()) do values[name] = "x" end
      assert.is_true(#assert(template:render(values)) > 0)
    end)
  end
end)
