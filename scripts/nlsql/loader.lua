--- loader: is what a phase's file returned a phase?

local options = require "nlsql.options"

local loader = {}

--- One piece of a phase's work: a conversation with the model, most often about some tables. A phase
--- may put more into it.
---@class nlsql.Item
---@field key string        tells it from the others, in this run and when the run is gone on with
---@field tables nlsql.Reference[]  what its queries may use; missing where the phase gave none: then all
---@field count integer      pairs wanted of it; where a phase sets none, as the option says
---@field at_most boolean?   nobody knows whether there are as many: fewer are not too few
---@field missing integer   set by the runner: pairs wanted still
---@field turn integer      set by the runner for `run`: which turn this is, from 1
---@field state table?      of the phase's own, kept in the store with the item (`run`)
---@field faults string?    set by the runner for `run`: why candidates of the last turn fell, a line for each
---@field accepted integer  set by the runner: pairs that it has
---@field [string] any

---@class nlsql.Phase
---@field name string
---@field summary string
---@field options table<string, table>?  name = { default, help, { min=, max=, choices=, type= } }
--- Emits the items. nil, message, code where it cannot.
---@field plan fun(ctx: nlsql.Context, emit: fun(item: table)): nil, string?, string?
--- The first messages of an item's conversation, and those that ask for more.
---@field prompt (fun(ctx: nlsql.Context, item: nlsql.Item): nlsql.Message[]|string?, string?, string?)?
---@field follow (fun(ctx: nlsql.Context, item: nlsql.Item, missing: integer): nlsql.Message[]|string?, string?, string?)?
--- The phase's own gate: true, or nil, a word for the reason, and a sentence.
---@field accept (fun(ctx: nlsql.Context, item: nlsql.Item, candidate: nlsql.Candidate): boolean?, string?, string?)?
---@field critic nlsql.Critic?
--- The dataset's row.
---@field record (fun(ctx: nlsql.Context, item: nlsql.Item, candidate: nlsql.Candidate): table)?
---@field pairs string?  what the model's pairs hold: "question_sql" (default) or "question_answer"
---@field relations boolean?  true: it works along relations, so those that no key declares are looked for
---@field model boolean?  false: it asks no model, so that it runs where none is configured
--- More for a provider that reads no prompts.
---@field task (fun(ctx: nlsql.Context, item: nlsql.Item): table)?
--- Requests that one turn of `run` takes, at least and at most, for the forecast of a dry run; where there is
--- none, one.
---@field requests (fun(ctx: nlsql.Context): integer, integer)?
--- Brings the candidates of one turn in place of prompt, follow and reading. `item` has `missing` (how many
--- are wanted still), `turn` (from 1), `state` (a table of the phase's own, kept in the store) and `faults`
--- (why candidates of the last turn fell, as text, or nil). Gives candidates and, if need be,
--- { over = true (nothing more is to come), unread = {{reason=, text=}}, gave_up = "why nothing came" };
--- or nil, message, code where the run cannot go on.
---@field run (fun(ctx: nlsql.Context, item: nlsql.Item): nlsql.Candidate[]?, table|string?, string?)?

--- Fields of a phase and the Lua types that they may have.
local FIELDS = {
  accept = "function", critic = "table", follow = "function", model = "boolean", name = "string", options = "table",
  pairs = "string", plan = "function", prompt = "function", record = "function", relations = "boolean",
  requests = "function", run = "function", summary = "string", task = "function",
}
local PAIRS = { "question_answer", "question_sql" }

local LIMITS = { choices = "table", max = "number", min = "number", type = "string", of = "table" }
local TYPES = { "any", "boolean", "integer", "list", "map", "number", "text" }
local NOUNS = { string = "text", table = "a table", ["function"] = "a function", number = "a number",
  boolean = "true or false", ["nil"] = "nothing" }

local function noun(kind) return NOUNS[kind] or ("a " .. kind) end

--- The line on which `field =` first stands at or after `from`; nil where it doesn't.
local function line_of(source, field, from)
  if not source then return nil end
  local plain, line = field:gsub("%W", "%%%0"), 0
  local forms = { "%f[%w_]" .. plain .. "%s*=[^=]", "%f[%w_]" .. plain .. "%s*=$", '%["'
    .. plain .. '"%]%s*=' }
  for text in (source .. "\n"):gmatch("(.-)\r?\n") do
    line = line + 1
    if line >= (from or 1) and not text:find("^%s*%-%-") then
      for _, form in ipairs(forms) do
        if text:find(form) then return line end
      end
    end
  end
end

local function return_line(source)
  local line, last = 0, nil
  for text in ((source or "") .. "\n"):gmatch("(.-)\n") do
    line = line + 1
    if text:find("^return%f[^%w_]") then last = line end
  end
  return last
end

--- Raised while checking, caught by loader.check.
local function complain(self, line, format, ...)
  local place = line and ("%s:%d"):format(self.file, line) or self.file
  error({ complaint = place .. ": " .. format:format(...) }, 0)
end

local function field_line(self, field) return line_of(self.source, field) or return_line(self.source) end

local function check_fields(self, phase)
  local known = options.keys_of(FIELDS)
  local names = {}
  for key in pairs(phase) do
    if type(key) ~= "string" then
      complain(self, return_line(self.source), "a phase's fields have names, found [%s]", tostring(key))
    end
    names[#names + 1] = key
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local wanted, kind = FIELDS[name], type(phase[name])
    if not wanted then
      local meant = options.did_you_mean(name, known)
      complain(self, field_line(self, name), "%q is not a field of a phase%s", name,
        meant ~= "" and meant or ": there are " .. table.concat(known, ", "))
    elseif kind ~= wanted then
      complain(self, field_line(self, name), "%s: expected %s, found %s", name, noun(wanted), noun(kind))
    end
  end
end

local function check_required(self, phase)
  for _, name in ipairs { "name", "summary", "plan" } do
    if phase[name] == nil then
      complain(self, return_line(self.source), "%s is missing: expected %s", name, noun(FIELDS[name]))
    end
  end
  if not phase.prompt and not phase.run then
    complain(self, return_line(self.source), "prompt is missing (or run, where the phase drives itself): "
      .. "expected a function")
  end
  if phase.pairs and phase.pairs ~= PAIRS[1] and phase.pairs ~= PAIRS[2] then
    complain(self, field_line(self, "pairs"), "pairs: expected one of %q, %q, found %q", PAIRS[1], PAIRS[2], phase.pairs)
  end
  if not phase.name:find("^[%w_][%w_%-]*$") then
    complain(self, field_line(self, "name"), 'name: expected letters, digits, "_" and "-", found %q',
      phase.name)
  end
  if not phase.summary:find("%S") then
    complain(self, field_line(self, "summary"), "summary: expected one line about the phase, found nothing")
  end
end

local function check_critic(self, critic)
  local rounds = critic and critic.rounds
  if not critic then return end
  if math.type(rounds) ~= "integer" or rounds < 0 or type(critic.template) ~= "string" then
    complain(self, field_line(self, "critic"), "critic: expected what critic.repair{ rounds = 2 } gives")
  end
end

--- The third member of a declaration.
local function check_limits(self, line, name, limits)
  if limits == nil then return end
  if type(limits) ~= "table" then
    complain(self, line,
      "options.%s: the third member: expected { min =, max =, choices =, type = }, found %s",
      name, noun(type(limits)))
  end
  for _, key in ipairs(options.keys_of(limits)) do
    if not LIMITS[key] then
      complain(self, line, "options.%s: %q limits nothing%s", name, key,
        options.did_you_mean(key, options.keys_of(LIMITS)))
    elseif type(limits[key]) ~= LIMITS[key] then
      complain(self, line, "options.%s: %s: expected %s, found %s", name, key, noun(LIMITS[key]),
        noun(type(limits[key])))
    end
  end
  local is_type = limits.type == nil
  for _, one in ipairs(TYPES) do is_type = is_type or one == limits.type end
  if not is_type then
    complain(self, line, "options.%s: type: expected one of %s, found %q", name, table.concat(TYPES, ", "),
      limits.type)
  end
end

local function check_default(self, line, name, declared)
  local rule = options.rule_of(declared)
  if declared[1] == nil then
    if rule.type ~= "any" or declared[3] and declared[3].type then return end
    complain(self, line, "options.%s: without a default, it needs { type = … } as its third member", name)
  end
  local out = { errors = {}, warnings = {} }
  options.validate(rule, declared[1], { at = "" }, "default", out)
  if out.errors[1] then
    complain(self, line, "options.%s: the %s", name, (out.errors[1]:gsub("^: ", "")))
  end
  local common = options.COMMON[name]
  if common and common.type and common.type ~= rule.type then
    complain(self, line, "options.%s: expected a default that is %s, as %s is in every phase", name,
      options.expected { type = common.type }, name)
  end
end

local DECLARATION = '{ default, "what it is for" }'

local function check_options(self, declared)
  local from = line_of(self.source, "options")
  for name in pairs(declared) do
    if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") then
      complain(self, from, 'options: expected names of letters, digits and "_", found %s',
        type(name) == "string" and ("%q"):format(name) or "[" .. tostring(name) .. "]")
    end
  end
  for _, name in ipairs(options.keys_of(declared)) do
    local one, line = declared[name], line_of(self.source, name, from) or from
    if type(one) ~= "table" then
      complain(self, line, "options.%s: expected %s, found %s", name, DECLARATION, noun(type(one)))
    end
    for key in pairs(one) do
      if key ~= 1 and key ~= 2 and key ~= 3 then
        complain(self, line, "options.%s: expected %s, found a member [%s]", name, DECLARATION, tostring(key))
      end
    end
    if type(one[2]) ~= "string" or not one[2]:find("%S") then
      complain(self, line, "options.%s: the second member: expected one line of help, found %s", name,
        noun(type(one[2])))
    end
    check_limits(self, line, name, one[3])
    check_default(self, line, name, one)
  end
end

local function check(self, phase)
  if type(phase) ~= "table" then
    complain(self, return_line(self.source), "a phase's file returns a table, this one returned %s",
      noun(type(phase)))
  end
  check_fields(self, phase)
  check_required(self, phase)
  check_critic(self, phase.critic)
  if phase.options then check_options(self, phase.options) end
end

--- Checks what the file of a phase returned. `source`, the file's text, gives complaints a line.
---@param phase any
---@param file string   as shown: "phases/joins.lua"
---@param source string?
---@return true?
---@return string? message "phases/joins.lua:12: …"
---@return string? code    "config"
function loader.check(phase, file, source)
  if type(file) ~= "string" then error("loader.check(phase, file, source) takes a string as file", 2) end
  local ok, problem = pcall(check, { file = file, source = source }, phase)
  if ok then return true end
  if type(problem) == "table" and problem.complaint then return nil, problem.complaint, "config" end
  error(problem, 0)
end

return loader
