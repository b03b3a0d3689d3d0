--- prompt: templates of what is said to the model.
---
--- A template is a text file in prompts/. Lines such as `### system:`, `### user:` and
--- `### assistant:` begin a message of that role; what follows is its text, with these tags
--- (Mustache's, as far as they go; a tag's name is of letters, digits and `_`):
---
---     {{name}}               the value; nothing where it is false. {{{name}}} and {{&name}} are
---                            the same: nothing is ever escaped
---     {{#name}} … {{/name}}  kept where the value is neither false nor an empty text (0 is kept)
---     {{^name}} … {{/name}}  the reverse
---     {{! … }}               a comment, over several lines if need be
---     \{{                    two literal braces (as in Handlebars)
---
--- A section or comment tag alone on its line takes the line with it. Sections nest, and close
--- within their message. Values are put in as they are: braces in them mean nothing. Blank space
--- around a message goes; a message that comes out empty is left out. Comments may stand before
--- the first role. There are no partials, lists, lambdas or other delimiters.

local files = require "nlsql.files"
local text = require "nlsql.text"

local prompt = {}

---@alias nlsql.Message {role: string, content: string}

---@class nlsql.Template
---@field name string     as shown in complaints: "prompts/join_sql.txt"
---@field blocks table[]  {role=, line=, parts=}
---@field source string?   its text, of a file
---@field key string?     hash of its text, where it was read from a file
local Template = {}
Template.__index = Template

local ROLES = { "system", "user", "assistant" }
local IS_ROLE = { system = true, user = true, assistant = true }

local SPACE = { [9] = true, [10] = true, [11] = true, [12] = true, [13] = true, [32] = true }

--- Without the blank space around it, in linear time.
local function trim(s)
  local first, last = 1, #s
  while first <= last and SPACE[s:byte(first)] do first = first + 1 end
  while last >= first and SPACE[s:byte(last)] do last = last - 1 end
  return s:sub(first, last)
end

local function lines_in(s, from, to)
  local n, at = 0, from
  while true do
    at = s:find("\n", at, true)
    if not at or at > to then return n end
    n, at = n + 1, at + 1
  end
end

--- Raised while parsing, caught by prompt.parse.
local function complain(name, line, format, ...)
  error({ complaint = ("%s:%d: " .. format):format(name, line, ...) }, 0)
end

local OPEN_COMMENT = 'the comment "{{!" is never closed by "}}"'

--- The tag that opens at source[from]: sigil, name, its last byte.
local function read_tag(source, from, name, line)
  if source:find("^{{!", from) then
    local _, last = source:find("}}", from + 3, true)
    if not last then complain(name, line, OPEN_COMMENT) end
    return "!", "", last
  end
  local triple = source:sub(from + 2, from + 2) == "{"
  local closer = triple and "}}}" or "}}"
  local stop = (source:find("\n", from, true) or #source + 1) - 1
  local first, last = source:find(closer, from + 2, true)
  if not first or last > stop then
    complain(name, line, '"%s" is not closed by "%s" on its line (two literal braces are written "\\{{")',
      trim(source:sub(from, math.min(stop, from + 30))), closer)
  end
  local inside = source:sub(from + (triple and 3 or 2), first - 1)
  local sigil, word = inside:match("^%s*([#^/&]?)%s*([%a_][%w_]*)%s*$")
  if not word or (triple and sigil ~= "") then
    complain(name, line, '%s is not a placeholder: expected a name of letters, digits and "_" '
      .. '(two literal braces are written "\\{{")', source:sub(from, last))
  end
  return sigil == "&" and "" or sigil, word, last
end

--- Is the tag at [from, to] alone on its line? Then the first and last byte of that line.
local function whole_line(source, from, to)
  local start = from
  while start > 1 and source:find("^[ \t]", start - 1) do start = start - 1 end
  if start > 1 and source:byte(start - 1) ~= 10 then return nil end
  local _, stop = source:find("^[ \t]*\n", to + 1)
  if stop then return start, stop end
  _, stop = source:find("^[ \t]*", to + 1)
  if stop == #source then return start, stop end
  return nil
end

local function add_text(parts, s)
  if s ~= "" then parts[#parts + 1] = { kind = "text", text = s } end
end

local function close_section(name, stack, word, line)
  local open = stack[#stack]
  if not open.section then
    complain(name, line, "{{/%s}} closes nothing", word)
  elseif open.section.name ~= word then
    complain(name, line, "{{/%s}} does not close {{%s%s}} of line %d", word,
      open.section.inverted and "^" or "#", open.section.name, open.section.line)
  end
  stack[#stack] = nil
end

--- The parts of one message's text, whose first line is `line` of the file.
local function read_parts(source, name, line)
  local stack = { { parts = {} } } -- the message, then the sections that are open
  local at, counted = 1, 1
  local function line_of(position)
    line, counted = line + lines_in(source, counted, position - 1), math.max(counted, position)
    return line
  end
  while true do
    local from = source:find("{{", at, true)
    local parts = stack[#stack].parts
    if not from then
      add_text(parts, source:sub(at))
      break
    end
    if from > at and source:byte(from - 1) == 92 then -- \{{
      add_text(parts, source:sub(at, from - 2) .. "{{")
      at = from + 2
    else
      local here = line_of(from)
      local sigil, word, last = read_tag(source, from, name, here)
      local start, stop
      if sigil ~= "" then start, stop = whole_line(source, from, last) end
      add_text(parts, source:sub(at, math.max(start or from, at) - 1))
      at = (stop or last) + 1
      if sigil == "" then
        parts[#parts + 1] = { kind = "value", name = word, line = here }
      elseif sigil == "/" then
        close_section(name, stack, word, here)
      elseif sigil ~= "!" then
        local section = { kind = "section", name = word, inverted = sigil == "^", line = here, parts = {} }
        parts[#parts + 1] = section
        stack[#stack + 1] = { section = section, parts = section.parts }
      end
    end
  end
  local open = stack[#stack].section
  if open then
    complain(name, open.line, "{{%s%s}} is not closed by {{/%s}} before the message ends",
      open.inverted and "^" or "#", open.name, open.name)
  end
  return stack[1].parts
end

--- Splits the source at its role lines: an array of {role=, line=, text=, text_line=}, the first
--- of which has no role.
local function split_blocks(source, name)
  local blocks = { { line = 1, text_line = 1 } }
  local at, line, begun = 1, 1, 1
  while at <= #source do
    local stop = source:find("\n", at, true) or #source + 1
    local role = source:match("^###[ \t]*(%a+)[ \t]*:[ \t]*\n", at)
      or (stop > #source and source:match("^###[ \t]*(%a+)[ \t]*:[ \t]*$", at))
    if role and not IS_ROLE[role] then
      local meant = text.nearest(role, ROLES)
      if meant then
        complain(name, line, 'there is no role "%s" (did you mean "### %s:"?)', role, meant)
      end
      role = nil -- a heading of the prompt's own
    end
    if role then
      blocks[#blocks].text = source:sub(begun, at - 1)
      blocks[#blocks + 1] = { role = role, line = line, text_line = line + 1 }
      begun = stop + 1
    end
    at, line = stop + 1, line + 1
  end
  blocks[#blocks].text = source:sub(begun)
  return blocks
end

local NO_ROLE = 'there is no role line ("### system:", "### user:" or "### assistant:")'

--- Before the first role line only comments may stand.
local function check_preamble(source, name, n_blocks)
  local at = source:find("%S")
  while at and source:find("^{{!", at) do
    local _, last = source:find("}}", at, true)
    if not last then complain(name, 1 + lines_in(source, 1, at - 1), OPEN_COMMENT) end
    at = source:find("%S", last + 1)
  end
  if n_blocks == 1 then complain(name, 1, NO_ROLE) end
  if at then
    complain(name, 1 + lines_in(source, 1, at - 1), "text before the first role line "
      .. '("### system:", "### user:" or "### assistant:")')
  end
end

local function check_bytes(source, name)
  local nul = source:find("\0", 1, true)
  if nul then complain(name, 1 + lines_in(source, 1, nul - 1), "holds a NUL byte: is it a text file?") end
  if not text.valid_utf8(source) then
    local _, bad = utf8.len(source)
    complain(name, 1 + lines_in(source, 1, (bad or 1) - 1), "is not valid UTF-8")
  end
  if not source:find("%S") then complain(name, 1, "the template is empty") end
end

local function parse(source, name)
  if source:sub(1, 3) == "\xEF\xBB\xBF" then source = source:sub(4) end
  source = source:gsub("\r\n", "\n")
  check_bytes(source, name)
  local split = split_blocks(source, name)
  check_preamble(split[1].text, name, #split)
  local blocks = {}
  for i = 2, #split do
    local block = split[i]
    block.parts = read_parts(block.text, name, block.text_line)
    if not block.text:find("%S") then complain(name, block.line, "the %s message is empty", block.role) end
    block.text = nil
    blocks[#blocks + 1] = block
  end
  return setmetatable({ name = name, blocks = blocks }, Template)
end

--- Reads a template's text. `name` is what complaints call it.
---@param source string
---@param name string
---@return nlsql.Template?
---@return string? message "prompts/x.txt:9: …"
---@return string? code "config"
function prompt.parse(source, name)
  if type(source) ~= "string" or type(name) ~= "string" then
    error("prompt.parse(text, name) takes two strings", 2)
  end
  local ok, result = pcall(parse, source, name)
  if ok then return result end
  if type(result) == "table" and result.complaint then return nil, result.complaint, "config" end
  error(result, 0)
end

local function known_names()
  local names = {}
  for _, file in ipairs(files.list("prompts")) do
    local name = file:match("^(.+)%.txt$")
    if name then names[#names + 1] = name end
  end
  return names
end

--- Reads prompts/NAME.txt, of the project's folder or as shipped. "join_sql", "join_sql.txt" and
--- "prompts/join_sql.txt" mean the same.
---@param name string
---@return nlsql.Template?
---@return string? message
---@return string? code "not_found", "config" or that of the file's failure
function prompt.load(name)
  if type(name) ~= "string" then error("prompt.load(name) takes a string", 2) end
  local plain = name:gsub("^prompts/", ""):gsub("%.txt$", "")
  local shown = "prompts/" .. plain .. ".txt"
  if plain == "" or plain:find("..", 1, true) or plain:find("^/") or plain:find("%c") then
    return nil, ('"%s" cannot be the name of a template: expected that of a file in prompts/')
      :format((name:gsub("%c", "?"))), "config"
  end
  local path = files.find("prompts", plain .. ".txt")
  if not path then
    local meant = text.nearest(plain, known_names())
    return nil, ("%s: there is no such template%s"):format(shown,
      meant and (' (did you mean "%s"?)'):format(meant) or ""), "not_found"
  end
  local source, message, code = files.read(path)
  if not source then return nil, message, code end
  local template, complaint, kind = prompt.parse(source, shown)
  if template then template.key, template.source = text.hex(text.key(source)), source end
  return template, complaint, kind
end

local function each_name(parts, visit)
  for _, part in ipairs(parts) do
    if part.name then visit(part) end
    if part.parts then each_name(part.parts, visit) end
  end
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

--- The names that the template's tags use, sorted.
---@return string[]
function Template:names()
  local seen = {}
  for _, block in ipairs(self.blocks) do
    each_name(block.parts, function(part) seen[part.name] = true end)
  end
  return sorted_keys(seen)
end

local function check_values(self, values)
  local function check(part)
    local value = values[part.name]
    local kind = type(value)
    if value == nil then
      local given = sorted_keys(values)
      return ("%s:%d: {{%s}} is not given to this template (given: %s)"):format(self.name, part.line,
        part.name, #given > 0 and table.concat(given, ", ") or "nothing")
    elseif kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
      return ("%s:%d: {{%s}} is given a %s: expected text, a number, true or false"):format(
        self.name, part.line, part.name, kind)
    end
  end
  local complaint
  for _, block in ipairs(self.blocks) do
    each_name(block.parts, function(part) complaint = complaint or check(part) end)
  end
  return complaint
end

local function shown_value(value)
  if value == false then return "" end
  if math.type(value) == "float" then return tostring(math.tointeger(value) or value) end
  return tostring(value)
end

local function render_parts(parts, values, out)
  for _, part in ipairs(parts) do
    if part.kind == "text" then
      out[#out + 1] = part.text
    elseif part.kind == "value" then
      out[#out + 1] = shown_value(values[part.name])
    else
      local value = values[part.name]
      local kept = value ~= false and value ~= ""
      if kept ~= part.inverted then render_parts(part.parts, values, out) end
    end
  end
end

--- The messages, with every tag replaced. Each name that the template uses, in a dropped section
--- too, must be among `values`; one that has nothing to say is given as false.
---@param values table<string, string|number|boolean>
---@return nlsql.Message[]?
---@return string? message names file, line, and what was given
---@return string? code "config"
function Template:render(values)
  if type(values) ~= "table" then error("template:render(values) takes a table", 2) end
  local complaint = check_values(self, values)
  if complaint then return nil, complaint, "config" end
  local messages = {}
  for _, block in ipairs(self.blocks) do
    local out = {}
    render_parts(block.parts, values, out)
    local content = trim(table.concat(out))
    if content ~= "" then messages[#messages + 1] = { role = block.role, content = content } end
  end
  if #messages == 0 then
    return nil, self.name .. ": every message came out empty", "config"
  end
  return messages
end

local function add_fingerprint(parts, out)
  for _, part in ipairs(parts) do
    if part.kind == "text" then
      out[#out + 1] = ("t%d:%s"):format(#part.text, part.text)
    elseif part.kind == "value" then
      out[#out + 1] = "v" .. part.name .. ";"
    else
      out[#out + 1] = (part.inverted and "n" or "s") .. part.name .. "("
      add_fingerprint(part.parts, out)
      out[#out + 1] = ")"
    end
  end
end

--- 32 hexadecimal digits that change when what the template says does: comments, its name and its
--- place don't count.
---@return string
function Template:fingerprint()
  local out = {}
  for _, block in ipairs(self.blocks) do
    out[#out + 1] = "m" .. block.role .. "("
    add_fingerprint(block.parts, out)
    out[#out + 1] = ")"
  end
  return text.hex(text.key(table.concat(out)))
end

return prompt
