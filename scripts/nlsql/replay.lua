--- replay: a run made once more from the replies that the store has of it, without a model.
---
--- It looks at the store and never writes there: what it makes lies beside the dataset
--- (dataset.replay.jsonl), anew each time, and its own book-keeping goes when it ends. A request whose
--- reply is not recorded ends its item, by name; the other items go on.

local changes = require "nlsql.changes"
local console = require "nlsql.console"
local providers = require "nlsql.providers"
local store = require "nlsql.store"

local replay = {}

---@class nlsql.Recorded
---@field view nlsql.StoreView
---@field run nlsql.RunRow      the run whose replies serve
---@field changed string[]      what is different from what it was made with

--- The run of this phase and version that goes on in a store, or nil and the phases (with versions) of
--- those that do.
---@param view nlsql.StoreView
---@param phase string
---@param version string
---@return nlsql.RunRow?, string[]
function replay.find(view, phase, version)
  local found, names = nil, {}
  for row in view:runs() do
    if row.dataset ~= "" then
      names[#names + 1] = row.version == "" and row.phase or ("%s (--run-version %s)"):format(row.phase, row.version)
      if row.phase == phase and row.version == version then found = row end
    end
  end
  return found, names
end

--- The provider that answered in a recorded run; nil where nobody can tell.
---@param path string    of the store
---@param phase string
---@param version string
---@return string?
function replay.provider(path, phase, version)
  local view <close> = store.view(path)
  local row = view and replay.find(view, phase, version)
  if not row or not row.source then return nil end
  for _, name in ipairs(providers.NAMES) do
    local words = " and " .. providers.KNOWN[name].words
    if row.source:sub(-#words) == words then return name end
  end
  return nil
end

--- Opens what is recorded of the run that `spec` describes; nil and a sentence.
---@param spec table
---@param opt table      the phase's options
---@param source string  its text
---@return nlsql.Recorded?, string?
function replay.open(spec, opt, source)
  local path = spec.settings.store
  local view, why, code = store.view(path)
  if not view then
    return nil, ("--replay: %s%s"):format(why, code == "not_found" and ": nothing was recorded yet" or "")
  end
  local row, names = replay.find(view, spec.name, spec.version)
  if not row then
    view:close()
    return nil, ("--replay: %s has no run of %q%s (there is: %s)"):format(path, spec.name,
      spec.version ~= "" and (" with --run-version %s"):format(spec.version) or "",
      #names > 0 and table.concat(names, ", ") or "none")
  end
  local before = changes.read(row.config or "")
  local changed = before and changes.words(before, changes.of(opt, spec.settings, source, before), spec.file) or {}
  console.info(("replay: %d recorded replies of run %d serve, no model is asked"):format(row.calls - row.failed, row.id))
  if #changed > 0 then console.warn("changed since they were recorded: " .. table.concat(changed, "; ")) end
  return { view = view, run = row, changed = changed }
end

--- The recorded reply to a request of the run; nil where there is none.
---@param recorded nlsql.Recorded
---@param key nlsql.Key
---@param sample integer
---@return string?
function replay.reply(recorded, key, sample) return recorded.view:reply(recorded.run.id, key, sample) end

--- Says how the dataset that was made compares with what the run's own holds.
---@param recorded nlsql.Recorded
---@param dataset string
function replay.compare(recorded, dataset)
  local same, entries, lines = recorded.view:compare(recorded.run.id, dataset)
  if not same then
    console.warn(tostring(entries))
  elseif same == entries and same == lines then
    console.info(("replay: %s is the same as %s, byte for byte (%d lines)"):format(dataset, recorded.run.dataset, lines))
  else
    console.warn(("replay: %s differs from %s from line %d on (%d lines here, %d there)"):format(dataset,
      recorded.run.dataset, same + 1, lines, entries))
  end
end

return replay
