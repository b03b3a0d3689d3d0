--- disguised: what nlsql.anon is to the gates, as a table that a spec fills itself.

local protect = require "nlsql.protect"

local disguised = {}
disguised.__index = disguised

--- `standins`: stand-ins by real value.
function disguised.new(standins)
  local self = setmetatable({ protected = protect.set(), to = standins, from = {}, folded = {} }, disguised)
  for real, other in pairs(standins) do
    self.protected:add(real)
    self.from[other], self.folded[other:lower()] = real, real
  end
  return self
end

function disguised:raw() return self.is_raw == true end
function disguised:real(text) return self.from[text] end
function disguised:real_folded(text) return self.folded[text:lower()] end
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
