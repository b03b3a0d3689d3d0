--- disguised: what nlsql.anon is to the gates, as a table that a spec fills itself.

local protect = require "nlsql.protect"

local disguised = {}
disguised.__index = disguised

--- `standins`: stand-ins by real value; `classes`: classes by "table.column", of those that have any.
function disguised.new(standins, classes)
  local self = setmetatable({ protected = protect.set(), to = standins, from = {}, classes = classes or {} }, disguised)
  for real, other in pairs(standins) do
    self.protected:add(real)
    self.from[other] = real
  end
  return self
end

function disguised:decision(ref, column) return { class = self.classes[ref .. "." .. column] or "keep" } end
function disguised:value(_, _, value) return self.to[value] or value end

function disguised:raw() return self.is_raw == true end
function disguised:real(text) return self.from[text] end
function disguised:real_folded(text)
  for other, real in pairs(self.from) do
    if other:lower() == text:lower() then return real end
  end
end

function disguised.class_of() return "person" end

function disguised:rows(result)
  local out = {}
  for name, value in pairs(result) do out[name] = value end
  out.rows = {}
  for r, row in ipairs(result.rows) do
    out.rows[r] = {}
    for c, value in ipairs(row) do out.rows[r][c] = self.to[value] or value end
  end
  return out
end

return disguised
