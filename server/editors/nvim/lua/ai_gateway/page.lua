--- Windows with something to read: an answer, a report, a file of the server's. `q` closes them.
local M = {
  --- How a window is opened beside the code.
  split = "botright split",
}

local MOST_CHARACTERS = 40

local function close_by_q(bufnr)
  vim.keymap.set("n", "q", "<Cmd>close<CR>", { buffer = bufnr, nowait = true, desc = "Close" })
end

local function write(bufnr, first, last, lines)
  vim.bo[bufnr].modifiable = true
  vim.api.nvim_buf_set_lines(bufnr, first, last, false, lines)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].modified = false
end

--- Name a page, in words that mean nothing to any command.
local function name(bufnr, title)
  local words = vim.trim((title:gsub("[%c%p%s]+", " ")))
  local short = vim.fn.strcharpart(words, 0, MOST_CHARACTERS)
  local wanted = "AI: " .. short .. (short == words and "" or "…")
  local taken = vim.fn.bufexists(wanted) == 1
  vim.api.nvim_buf_set_name(bufnr, taken and wanted .. " " .. bufnr or wanted)
end

--- Open an empty Markdown page that is gone when it is closed.
function M.open(title)
  local bufnr = vim.api.nvim_create_buf(false, true)
  name(bufnr, title)
  vim.bo[bufnr].bufhidden = "wipe"
  vim.cmd(M.split)
  vim.api.nvim_win_set_buf(0, bufnr)
  vim.wo.wrap = true
  vim.wo.linebreak = true
  close_by_q(bufnr)
  vim.cmd("silent! setfiletype markdown") -- what is set up for it may fail: Neovim's own does without a parser
  return bufnr
end

--- Replace what stands from a line (counted from 0) on, unless the page is closed. A cursor that stood at the end stays
--- there.
function M.set(bufnr, first, text)
  if not vim.api.nvim_buf_is_valid(bufnr) then
    return
  end
  local window = vim.fn.bufwinid(bufnr)
  local was_last = window ~= -1 and vim.api.nvim_win_get_cursor(window)[1] == vim.api.nvim_buf_line_count(bufnr)
  write(bufnr, first, -1, vim.split(text, "\n", { plain = true }))
  if was_last then
    vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(bufnr), 0 })
  end
end

--- Add text at the end.
function M.append(bufnr, text)
  local last = vim.api.nvim_buf_line_count(bufnr) - 1
  M.set(bufnr, last, vim.api.nvim_buf_get_lines(bufnr, last, -1, false)[1] .. text)
end

--- Open a page with this text.
function M.show(title, text)
  local bufnr = M.open(title)
  write(bufnr, 0, -1, vim.split(text, "\n", { plain = true }))
  return bufnr
end

--- Open a file in the current window. What a model wrote may set no options here.
local function edit(path)
  local modeline = vim.go.modeline
  vim.go.modeline = false
  vim.cmd("silent! edit " .. vim.fn.fnameescape(path)) -- silent as above
  vim.go.modeline = modeline
end

--- Open a file beside the code, or go to where it is open; the cursor goes to an LSP range if there is one.
---
--- Whoever is typing, or selecting, stays where they are.
function M.show_file(path, range)
  local here = vim.api.nvim_get_mode().mode:match("^[iRvVsSt\19\22]") and vim.api.nvim_get_current_win()
  local window = vim.fn.bufwinid(vim.fn.bufadd(path))
  if window ~= -1 then
    vim.api.nvim_set_current_win(window)
  else
    vim.cmd(M.split)
    edit(path)
  end
  if path:match("%.md$") then
    close_by_q(0)
  end
  if range then
    pcall(vim.api.nvim_win_set_cursor, 0, { range.start.line + 1, 0 })
  end
  if here then
    vim.api.nvim_set_current_win(here)
  end
end

return M
