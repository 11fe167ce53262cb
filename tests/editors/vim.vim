" What the scripts of the tests share.

let s:tries = 4000

" Tell the test a value.
func Tell(value)
  call writefile([json_encode(a:value)], '/dev/stdout', 'a')
endfunc

" Wait until a function gives something that is not empty, and give it.
func Wait(what, Condition)
  for _ in range(s:tries)
    let found = a:Condition()
    if !empty(found)
      return found
    endif
    sleep 10m
  endfor
  call writefile(['waited in vain for ' .. a:what, execute('messages')], '/dev/stderr', 'a')
  cquit
endfunc

" All that is to be read in the current buffer.
func Text()
  return join(getline(1, '$'), "\n")
endfunc

" Wait until the current buffer shows this.
func Shown(text)
  call Wait(a:text, {-> stridx(Text(), a:text) >= 0})
  return Text()
endfunc

" Wait until the person is told something like this.
func Told(pattern)
  return Wait(a:pattern, {-> matchstr(execute('messages'), a:pattern)})
endfunc

" Choose what begins so from the menu that comes.
func Pick(title)
  call Wait('the menu', {-> popup_list()})
  let titles = getbufline(winbufnr(popup_list()[0]), 1, '$')
  call Tell(titles)
  call feedkeys(repeat('j', match(titles, '^' .. a:title)) .. "\<CR>", 'xt')
endfunc
