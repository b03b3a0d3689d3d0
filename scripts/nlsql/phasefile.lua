--- phasefile: the file of a phase: which one it is, and what it declares, read without running it.
---
--- Trusted: for commands that look at phases. The file itself runs as a guest's, as it does in a run.

local files = require "nlsql.files"
local guest = require "nlsql.guest"
local loader = require "nlsql.loader"

local phasefile = {}

--- What a phase's section may have, and the file in phases/ that makes something of it; the first
--- that is there counts, so that `questions` may have a template of their own.
local SERVES = {
  { "builtins", "builtins" },
  { "questions", "questions" },
  { "prompt_template", "template" },
  { "question", "questions" },
}

--- Is the option the phase's own? `defaults` are there for other phases too.
local function has_own(phase, name)
  local entry = phase.options[name]
  return entry ~= nil and entry.from ~= "defaults"
end

--- The name of the phase file that serves for `phase`, or nil.
---@param phase nlsql.ConfigPhase
---@return string?
function phasefile.generic(phase)
  for _, one in ipairs(SERVES) do
    if has_own(phase, one[1]) then return one[2] end
  end
end

--- Finds the file of a phase: its own, or the one that serves. `find` looks a name or path up as
--- nlsql.cli does; its complaint is made complete for a phase that the configuration lists.
---@param phase nlsql.ConfigPhase
---@param find fun(wanted: string): string?, string
---@return string? path
---@return string shown   or why there is none
function phasefile.find(phase, find)
  local path, shown = find(phase.file or phase.name)
  if path then return path, shown end
  local serves = not phase.file and phasefile.generic(phase)
  if serves then return find(serves) end
  if not phase.at then return nil, shown end
  return nil, ("%s: %s; a phase without a file of its own has questions, prompt_template or builtins"):format(phase.at,
    shown)
end

--- --- reading ----------------------------------------------------------------------------------

--- What a phase's file declares: the phase, and the file's text. nil and a sentence where it is none.
---@param path string
---@param shown string what complaints call it
---@return nlsql.Phase?
---@return string text or why
function phasefile.read(path, shown)
  local file, why = io.open(path, "rb")
  if not file then return nil, "cannot read " .. why end
  local source = file:read("a")
  file:close()
  local chunk, syntax = files.phase(path, shown)
  if not chunk then return nil, syntax end
  local phase, failure = guest.load(chunk)
  if phase == nil and failure then return nil, failure end
  local good, wrong = loader.check(phase, shown, source)
  if not good then return nil, wrong end
  return phase, source
end

return phasefile
