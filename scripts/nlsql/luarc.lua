--- luarc: what tells an editor's language server where nlsql's annotations are.

local files = require "nlsql.files"
local json = require "nlsql.json"

local luarc = {}

local TEXT = [[
{
  "runtime.version": "Lua 5.4",
  "runtime.path": ["?.lua", "scripts/?.lua"],
  "runtime.builtin": { "coroutine": "disable", "debug": "disable", "io": "disable" },
  "workspace.library": [%s],
  "workspace.checkThirdParty": false,
  "workspace.ignoreDir": ["generated_datasets", "logs"]
}
]]

--- The .luarc.json of a folder with phases of one's own: modules come from its scripts/ and from the
--- shipped ones below `share`; what phases may not use of Lua's libraries is not there.
---@param share string  the folder that holds nlsql's scripts/, as an absolute path
---@return string
function luarc.text(share)
  if share:sub(1, 1) ~= "/" then error("luarc.text(share) takes an absolute path", 2) end
  local path = assert(json.encode { share:gsub("/+$", "") .. "/scripts" })
  return TEXT:format(path:sub(2, -2)) -- without the brackets of the list
end

--- The folder that holds nlsql's scripts/; nil where it is not known by an absolute path.
---@return string?
function luarc.share()
  local path = files.find("scripts", "nlsql.d.lua")
  return path and path:match("^(/.*)/scripts/nlsql%.d%.lua$")
end

return luarc
