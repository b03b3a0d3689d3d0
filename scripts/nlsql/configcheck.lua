--- configcheck: what a run would refuse before it asks anything, found without running: what `nlsql
--- config --check` says. All complaints are gathered, not only the first.

local critic = require "nlsql.critic"
local money = require "nlsql.money"
local options = require "nlsql.options"
local providers = require "nlsql.providers"
local rawrows = require "nlsql.rawrows"
local session = require "nlsql.session"
local sql = require "nlsql.sql"
local templatecheck = require "nlsql.templatecheck"

local configcheck = {}

--- Adds a complaint. What a phase expects of a value stands in place of what all phases expect of it.
local function add(out, complaint)
  local about = complaint:match("^.-: expected ") or complaint
  for i, one in ipairs(out) do
    if one:sub(1, #about) == about then
      out[i] = complaint
      return
    end
  end
  out[#out + 1] = complaint
end

--- Where the value of an option stands, as the beginning of a complaint.
local function place_of(phase, name, shown)
  local entry = phase.options[name]
  return ("%s: %s: "):format(entry and entry.at or shown, name)
end

local function check_templates(phase, read, found, values, merged, out)
  local sources = templatecheck.sources(found.source)
  local declared = read.options and read.options.prompt_template
  local named = rawget(values, "prompt_template")
  if named then
    for _, fault in ipairs(templatecheck.faults(named, declared and declared[1], sources)) do
      add(out, place_of(phase, "prompt_template", found.shown) .. fault)
    end
  end
  local reviewer = critic.of(read, merged)
  if not reviewer then return end
  local origin = phase.origins.critic or found.origins.critic
  local asked_by = templatecheck.sources('require "nlsql.critic"')
  for _, fault in ipairs(templatecheck.faults(reviewer.template, "critic", asked_by)) do
    add(out, ("%s: critic: %s"):format(origin or found.shown, fault))
  end
end

local function check_questions(phase, found, merged, out)
  local provider = providers.of(merged)
  if provider.reads_prompts then return end
  if found.generic == "questions" or found.generic == "template" then
    add(out, ("%s: phase %q: %s reads no %s: it needs a model"):format(phase.at or phase.name, phase.name, provider.words,
      found.generic == "questions" and "questions" or "prompt template"))
  end
end

--- Whether their tables are there only the database knows.
local function check_examples(merged, out)
  for i, example in ipairs(merged.examples or {}) do
    local path = ("examples[%d].sql"):format(i)
    local statement <close>, why = sql.parse(example.sql)
    local at = (merged.places or {})[path]
    if not statement then add(out, (at and at .. ": " or "") .. path .. ": " .. why) end
  end
end

---@class nlsql.FoundPhase
---@field phase nlsql.Phase
---@field shown string     its file
---@field source string
---@field generic string?  the shipped file that serves in place of one of its own
---@field origins table<string, string>  of the run's settings

--- Complaints about one phase, and warnings about it.
---@param phase nlsql.ConfigPhase
---@param found nlsql.FoundPhase
---@param merged table   the settings that hold for it
---@param out string[]
function configcheck.phase(phase, found, merged, out)
  local values, errors, warnings = options.check(session.declared(found.phase), phase.options, ("phase %q"):format(phase.name))
  for _, one in ipairs(errors) do add(out, one) end
  for _, one in ipairs(warnings) do add(out, one) end
  for _, one in ipairs(session.field_faults(rawget(values, "dataset_fields") or {})) do
    local entry = phase.options.dataset_fields
    add(out, (entry and entry.at .. ": " or "") .. one)
  end
  check_templates(phase, found.phase, found, values, merged, out)
  check_questions(phase, found, merged, out)
  check_examples(merged, out)
  local fault = providers.fault(merged)
  if fault then add(out, fault) end
  local raw = found.phase.model ~= false and rawrows.refusal(merged)
  if raw then add(out, raw) end
  local price, why = money.of(merged, merged.openai_model)
  if not price then add(out, why) end
  return out
end

return configcheck
