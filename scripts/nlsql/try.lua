--- try: quick prompt experiments: one item of a phase, shown from its prompt to the verdicts, and, under
--- --watch, again whenever the phase, a prompt or a script is saved.
---
--- This file stays loaded while others are edited: what is to change with a save is in nlsql.tryout and
--- below.

local console = require "nlsql.console"
local files = require "nlsql.files"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local session = require "nlsql.session"
local watch = require "nlsql.watch"

local try = {}

--- What stays open from one round to the next.
---@class nlsql.TryWorld
---@field db nlsql.Db
---@field schema nlsql.Catalog
---@field store table
---@field run table

--- One round with the scripts as they are now. Returns its code and the prompt's text; what stays
--- open goes to `kept.world`.
local function round(spec, kept, chunk, load_error, source)
  local now = require "nlsql.session"
  local prompt
  local code = now.guard(function()
    local phase = now.load(spec, chunk, load_error, source)
    local s = now.open(spec, phase, source, kept.world)
    kept.world = { db = s.db, schema = s.schema, store = s.store, run = s.run, anon = s.anon }
    now.know_private(s, now.SOON)
    local result
    result, prompt = require("nlsql.tryout").once(s, spec.try, kept.prompt)
    local durable, why = s.store:flush()
    if not durable then now.give_up(why, "io") end
    return result
  end)
  kept.prompt = prompt or kept.prompt
  return code
end

--- Errors of a script that does not load are said, and the watch goes on.
local function again(spec, kept)
  files.forget()
  local chunk, why = (spec.trust and files.load or files.phase)(spec.path, spec.file)
  local ok, code = pcall(round, spec, kept, chunk, why, files.read(spec.path) or "")
  if not ok then
    console.error(tostring(code))
    code = session.EXIT.script
  end
  return code
end

local function watch_and_repeat(spec, kept, folders)
  console.info("watching the phase, prompts/ and scripts/; Ctrl-C ends it")
  while jobs.stopping() == 0 do
    local changed = folders:wait()
    if not changed or jobs.stopping() > 0 then break end
    if #changed > 0 then
      local names = {}
      for i, path in ipairs(changed) do names[i] = path:match("[^/]+/[^/]+$") or path end
      console.out(("\n=== %s: %s\n"):format(os.date("%H:%M:%S"), table.concat(names, ", ")))
      console.flush()
      again(spec, kept)
    end
  end
end

local function close(world)
  if not world then return end
  world.run:close()
  world.store:close()
  world.db:close()
end

--- Tries the phase that `spec_text` (JSON, made by nlsql.cli) describes; arguments as runner.main's.
---@param spec_text string
---@param chunk function?
---@param load_error string?
---@param source string
---@return integer code
function try.main(spec_text, chunk, load_error, source)
  local spec = assert(json.decode(spec_text))
  local kept = {}
  local folders <close> = spec.try.watch and assert(watch.open()) or nil -- before: what is saved meanwhile counts
  local code = round(spec, kept, chunk, load_error, source)
  if folders then
    watch_and_repeat(spec, kept, folders)
    code = session.EXIT.done
  end
  close(kept.world)
  return code
end

return try
