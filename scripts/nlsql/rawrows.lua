--- rawrows: who may be shown rows as they are.
---
--- By the endpoint: one on this machine's loopback may be told by `anonymise: off` alone; for any other it has to be
--- said twice, the second time by the name of the host (`raw_rows_to: api.example.com`), so that neither a word
--- left in a file nor an address that was changed sends anybody's data away. Rows of the demo database are made up.

local http = require "nlsql.http"
local providers = require "nlsql.providers"

local rawrows = {}

--- Do the settings say that values go out as they are?
---@param settings table
---@return boolean
function rawrows.wanted(settings) return settings.anonymise == "off" or settings.anonymise == false end

--- The host of an address, as `raw_rows_to` is to name it.
---@param url string
---@return string
function rawrows.host(url)
  local place = url:match("^%a[%w+.-]*://([^/?#]*)") or url
  place = place:gsub("^.*@", ""):lower()
  return place:match("^%[.-%]") or place:match("^[^:]*")
end

--- nil where the endpoint of these settings may be shown what they say, else why not.
---@param settings table
---@return string? message
function rawrows.refusal(settings)
  if settings.demo or not providers.of(settings).sends or not rawrows.wanted(settings) then return nil end
  if http.is_loopback(settings.base_url) then return nil end
  local host, named = rawrows.host(settings.base_url), settings.raw_rows_to
  if named and rawrows.host(named) == host then return nil end
  return ('"anonymise: off" would send rows of your database as they are to %s, which is not this machine: say it a '
    .. 'second time with "raw_rows_to: %s"%s, or leave out "anonymise: off"'):format(host, host,
    named and (" (raw_rows_to names %s)"):format(named) or "")
end

return rawrows
