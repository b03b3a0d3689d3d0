--- serving: which database and which model serve a command, and what stands in for one's own.

local http = require "nlsql.http"
local providers = require "nlsql.providers"

local serving = {}

local NO_DATABASE = "no database: set DATABASE_URL, e.g. "
  .. "export DATABASE_URL=postgresql://user:password@host:5432/name"
local NOTHING_ASKED = NO_DATABASE .. ", or give --demo for the demo database"

local NO_KEY = "no key for %s: set OPENAI_API_KEY (an endpoint on this machine needs none: "
  .. "set OPENAI_BASE_URL, e.g. http://127.0.0.1:11434/v1), or give --provider offline for the grammar, which needs "
  .. "no model"

--- Why a setting holds, in words: "--provider offline", or its place in the configuration.
local function because(name, value, origin)
  if origin == "--" .. name then return ("--%s %s"):format(name, value) end
  return ("%s: %s, %s"):format(name, value, origin)
end

---@class nlsql.Given
---@field database boolean?  a database's URL
---@field key boolean?       a key for the model's endpoint
---@field demo boolean?      --demo

---@class nlsql.Serving
---@field demo boolean       the demo database serves, and not the one that was given
---@field provider string    its name, of nlsql.providers
---@field stand_ins string?  what serves in place of the user's own, and why; nil: nothing does
---@field warning string?
---@field problem { code: string, message: string }?  why nothing can be run as it stands

--- Which database and which model serve. The one place that decides about stand-ins; looks at
--- nothing but its arguments.
---
--- A model is configured where there is a key, an address that somebody gave (flag, environment,
--- config.yaml), or `provider: openai` that somebody gave. Then:
---
---     | DATABASE_URL | model      | serves                                                        |
---     | ------------ | ---------- | ------------------------------------------------------------- |
---     | given        | configured | both                                                          |
---     | given        | offline    | the database, the grammar                                     |
---     | given        | -          | refused: a key, or --provider offline?                        |
---     | -            | configured | refused: nobody meant to have the demo mined by a paid model  |
---     | -            | offline, - | the demo database, the grammar                                |
---     | --demo       | configured | the demo database, the model                                  |
---     | --demo       | offline, - | the demo database, the grammar                                |
---
--- "offline" is `provider: offline` given by anybody, and holds whatever else is configured; "-" is
--- nothing given. An endpoint on this machine needs no key; any other without one is refused.
--- `nlsql schema` asks no model: it sees the database that a run would read, and refuses where a run
--- has none.
---@param given nlsql.Given
---@param got { settings: table, origins: table<string, string> }  the configuration
---@param command "run"|"schema"
---@return nlsql.Serving
function serving.of(given, got, command)
  local settings, origins = got.settings, got.origins
  local function is_given(key) return origins[key] ~= nil and origins[key] ~= "built in" end
  local asked_offline = providers.of(settings).stand_in
  local configured = given.key or is_given("base_url") or is_given("provider") and not asked_offline
  local result = { demo = given.demo == true, provider = settings.provider }
  local nothing_given = not asked_offline and not configured

  if given.demo then
    if given.database then result.warning = "--demo: the demo database serves, DATABASE_URL is not used" end
  elseif not given.database then
    if configured and not asked_offline then
      result.problem = { code = "db", message = NOTHING_ASKED }
      return result
    end
    result.demo = true
  end
  if nothing_given and result.demo then result.provider = providers.STAND_IN end
  local asks_model, provider = command == "run", providers.of(result)
  if asks_model and provider.needs_key and not given.key and not http.is_loopback(settings.base_url) then
    result.problem = { code = "model", message = NO_KEY:format(settings.base_url) }
    return result
  end

  local parts = {}
  if result.demo then
    parts[1] = ("the demo database (%s)"):format(given.demo and "--demo" or "no DATABASE_URL")
  end
  if asks_model and provider.stand_in then
    local why = asked_offline and because("provider", settings.provider, origins.provider) or "no OPENAI_API_KEY"
    parts[#parts + 1] = ("%s (%s)"):format(provider.words, why)
  end
  if #parts > 0 then
    result.stand_ins = (#parts > 1 and "stand-ins: " or "stand-in: ") .. table.concat(parts, " and ")
  end
  return result
end

return serving
