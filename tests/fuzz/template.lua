--- What holds of every template: a complaint names file and line; what is read can be rendered, says
--- which names it uses, and puts values in as they are.
local prompt = require "nlsql.prompt"
local text = require "nlsql.text"

local ROLES = { system = true, user = true, assistant = true }
local NAME = "prompts/x.txt"

local function must(holds, what, value)
  if not holds then error(("does not hold: %s: %q"):format(what, tostring(value)), 2) end
end

local function lines_in(source)
  local _, n = source:gsub("\n", "")
  return n + 1
end

local function check_complaint(message, code, source)
  must(code == "config", "the code of a complaint", code)
  local line, what = message:match("^prompts/x%.txt:(%d+): (.+)$")
  must(line and what:find("%S"), "a complaint names file and line", message)
  must(tonumber(line) >= 1 and tonumber(line) <= lines_in(source), "the line exists", message)
end

local function check_rendered(template, values)
  local messages, why, code = template:render(values)
  if not messages then
    must(code == "config" and why:find("came out empty", 1, true), "why nothing is rendered", why)
    return ""
  end
  local all = {}
  for _, message in ipairs(messages) do
    must(ROLES[message.role], "a role", message.role)
    must(message.content:find("%S") and text.valid_utf8(message.content), "a message is text", message.content)
    all[#all + 1] = message.content
  end
  return table.concat(all, "\n")
end

local function all_of(names, value)
  local values = {}
  for _, name in ipairs(names) do values[name] = value end
  return values
end

return function(source)
  local template, message, code = prompt.parse(source, NAME)
  if not template then
    check_complaint(message, code, source)
    return
  end
  local names = template:names()
  must(template:fingerprint():find("^%x+$") and #template:fingerprint() == 32, "a fingerprint",
    template:fingerprint())
  for i, name in ipairs(names) do
    must(name:find("^[%a_][%w_]*$"), "a name", name)
    must(i == 1 or names[i - 1] < name, "names are sorted, each once", name)
  end
  check_rendered(template, all_of(names, false))
  check_rendered(template, all_of(names, 0))
  -- what stands for a value is neither read again nor changed
  local plain = check_rendered(template, all_of(names, "<x>"))
  local braces = check_rendered(template, all_of(names, "{{#x}}%1"))
  must(plain:gsub("<x>", "{{#x}}%%1") == braces:gsub("<x>", "{{#x}}%%1"), "values go in as they are", braces)
  if #names > 0 then
    local _, why = template:render {}
    must(why and why:find("is not given to this template", 1, true), "a missing value is named", why)
  end
end
