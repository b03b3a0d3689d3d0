---@meta nlsql.http
--- nlsql.http: requests. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.http
local http = {}

--- Sends one request and gives its reply, failed ones too. Waits. nil, message, code only where it
--- could not be started (a bad URL, plain http to another machine).
---@param request nlsql.HttpRequest
---@return nlsql.HttpReply?
---@return string? message
---@return nlsql.Code? code
function http.request(request) end

--- The value of a header, by its name in any case.
---@param reply nlsql.HttpReply
---@param name string
---@return string?
function http.header(reply, name) end

--- Is the URL's host this machine?
---@param url string
---@return boolean
function http.is_loopback(url) end

--- Keeps a text about an address for as long as the engine's run lasts, in place of an earlier one: what
--- one phase learnt about an endpoint serves the next. nil, message, code where it is longer than 64 KiB,
--- or 64 addresses have one already.
---@param url string
---@param text string
---@return true?
---@return string? message
---@return nlsql.Code? code
function http.remember(url, text) end

--- The text that was kept about an address.
---@param url string
---@return string?
function http.remembered(url) end

---@class nlsql.HttpRequest
---@field url string
---@field method string?      nil: POST with a body, GET without
---@field headers table<string, string>?  the endpoint's key is added by the engine
---@field body string?
---@field connect number?     seconds; nil: 10
---@field idle number?        seconds without a byte either way; nil: 120
---@field total number?       seconds; nil: 600
---@field max_reply number?   bytes of body; nil: 16 MiB

---@class nlsql.HttpReply
---@field status integer      0 where no status line arrived
---@field body string         what arrived, also where `error` is set
---@field headers string      "name: value\n" each, names in lower case
---@field seconds number
---@field sent boolean        it may have reached the server, and been paid for
---@field retry_after number? seconds that the server asks for
---@field error string?       nil: the whole reply came
---@field code nlsql.Code?    beside `error`: "net", "timeout" or "limit"

return http
