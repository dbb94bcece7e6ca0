# What the operator reads, in English. Another language is another file with the same ids: src/console/lang.rs lists the files.

## The top line

quality-auto = Auto
quality = Quality
state = State { $state }
phase-live = LIVE
phase-armed = ARMED
phase-on-air = ON AIR
house-time = house time   { $fps } fps
quality-now = { $what }. Now { $level }: { $why }
quality-draft = Draft
quality-air = Air
quality-hero = Hero

## Monitors

place-at = at { $camera }
place-between = { $from } to { $to }  { $percent } %
rolling = ROLLING { $speed } %, real camera
not-available = NOT AVAILABLE
fetching = FETCHING FRAMES
real-only = REAL CAMERAS ONLY
synthesized-solving = SYNTHESIZED, solving { $percent } %
real-solving = REAL CAMERAS, solving { $percent } %
real-cameras = REAL CAMERAS
ready-share = READY, { $percent } % synthesized
ready = READY
real-pixels = real pixels
not-measured = not measured   { $rung }
truth = Truth { $text }
rung-synthesis = synthesis
rung-soft-fade = soft fade
rung-cut = cut
empty = empty
press-mark = Press MARK (Space) to freeze the newest instant
press-mark-or-choose = Press MARK (Space), or choose an event on the right
nothing-prepared = Nothing is prepared
free-jog = free jog
preview-picture = Preview picture
instant-not-available = This instant is not available
fetching-all = Fetching the frames of all cameras
appears-by-itself = The picture appears by itself
cameras-missing = { $count } cameras missing
without = without { $cameras }
live = live
live-camera = live { $camera }
held = no camera: last picture held
nobody-delivers = No camera delivers pictures
stands = STANDS, real camera
hold-at-end = HOLD at the end of the move
percent-soft = { $percent } %, soft fade
percent-cut = { $percent } %, cut
percent-real = { $percent } %, real cameras
replay = REPLAY
repeated = { $count } repeated
program-picture = Program picture
waiting-first = Waiting for the first picture
bars-until = Program shows colour bars until a camera delivers
heat-sure = sure
heat-fair = fair
heat-doubtful = doubtful
heat-never-seen = never seen
t-bar-time = TIME
t-bar-time-tip = The T-bar moves through the event's time instead of along the path; so does Ctrl

## Orbit bar

panel-orbit = ORBIT
short-full = full
short-soft = soft
short-cut = cut
no-orbit = No orbit
no-orbit-remedy = The rig needs two cameras that look at a common subject: check it with `volte rig check`
orbit-position = Orbit position
bridged = , bridged: a camera is missing
measured-at = { $db } dB at { $camera }, { $class }
class-good = good
class-fair = fair
class-poor = poor
measured-of = { "    " }measured { $done } of { $all }
why-estimated = estimated
why-measured = measured
why-by-hand = by hand
why-real-pixels-only = real pixels only

## Jog

panel-jog = JOG  time
with-keys = { $what }. Keys { $keys }
turns-round = { $what }. A click turns it round
on-event = on { $event }
event-frames = { $event } { $frames } frames
jog-wheel = Jog wheel
frames = { $frames } frames
no-frames = no frames yet

## Transport

move-tip = { $what }, { $secs } s. M: the next move
short-last-five = 5 S
short-last-ten = 10 S
move-orbit-right = Orbit right
tip-from-the-prepared-position-along-the-arc-to-the-right = From the prepared position along the arc to the right
move-orbit-left = Orbit left
tip-from-the-prepared-position-along-the-arc-to-the-left = From the prepared position along the arc to the left
move-bounce-right = Bounce right
tip-to-the-right-and-back = To the right and back
move-bounce-left = Bounce left
tip-to-the-left-and-back = To the left and back
move-whip-right = Whip right
tip-hold--swing-fast-to-the-right--hold = Hold, swing fast to the right, hold
move-whip-left = Whip left
tip-hold--swing-fast-to-the-left--hold = Hold, swing fast to the left, hold
move-hold = Hold
tip-stay-at-the-prepared-position = Stay at the prepared position
move-roll = Roll
tip-play-the-event-from-in-to-out-on-the-nearest-camera--at-the-chosen-speed = Play the event from in to out on the nearest camera, at the chosen speed
move-freeze-right = Freeze right
tip-roll-up-to-the-marked-instant--freeze-and-travel-right--roll-on-from-there = Roll up to the marked instant, freeze and travel right, roll on from there
move-freeze-left = Freeze left
tip-roll-up-to-the-marked-instant--freeze-and-travel-left--roll-on-from-there = Roll up to the marked instant, freeze and travel left, roll on from there
move-travel = Travel
tip-play-the-event-while-the-view-travels-right--from-real-camera-to-real-camera = Play the event while the view travels right, from real camera to real camera
move-full-turn = Full turn
tip-once-around-the-ring--again-and-again = Once around the ring, again and again
move-still = Still
tip-your-own-path--path--g--edits-it = Your own path; PATH (G) edits it

## Multiview

cameras-count = { $count } cameras
cameras-lost = { $count } cameras, { $lost } without pictures
panel-cameras = CAMERAS
no-cameras = No cameras
no-cameras-remedy = Start with `volte demo`, or give a rig and footage: `volte console --help`
camera-tile = Camera { $number } { $name }{ $tally }
waiting = waiting
no-picture = NO PICTURE
lost = lost
click-returns = Click: the replay returns to this camera
click-live = Click: live on program
click-pivot = click the athlete: the orbit turns about that point. X: done
no-pivot-now = PIVOT: prepare an event first, then click the athlete

## Free camera

free-camera = FREE { $dolly } m nearer, { $height } m higher{ $sure }
unsure = : { $percent } % of the picture is { $word }
little-unsure = unsure
some-unsure = unsure, look closely
much-unsure = unsure, go back
back-on-arc = Click: back on the cameras' curve (Ctrl+Home)
channel-dolly = Nearer

## Slices

phases = { $count } phases in one picture
phases-solving = phase { $ready } of { $count }: solving
slices-off = Click: one instant again (S)

## Graphics

panel-graphics = GRAPHICS
choose-tool = choose what clicks into pictures draw
click-points = click { $count } points
points-of = point { $points } of { $all }
no-graphics = No graphics yet
no-graphics-remedy = Choose a tool, then click its points in a picture of the solved instant
graphic-line = Line
graphic-plane = Plane
graphic-circle = Circle
graphic-distance = Distance
graphic-image = Image
graphic-words = Words or picture
graphic-words-hint = words, or a PNG file
add-bug = BUG
add-bug-tip = Put these words, or this picture, into a corner of the frame; an image takes its file from the field too
graphic-colour = Colour of { $name }
graphic-shown = Show { $name }
graphic-remove = Remove { $name }
next-colour = Click: the next colour
show-hide = Show or hide it
take-graphic-out = Take it out; Ctrl+Z brings it back
corners = { $count } corners
click-graphic = click the points of the graphic. D: done
clean-feed = CLEAN FEED

## Timeline

panel-timeline = TIMELINE
nothing-recorded = Nothing is recorded yet
recording-begins = Recording begins by itself with the first frame of a camera
timeline-shown = { "    " }{ $secs } s shown, wheel zooms
timeline-note = { $secs } s in the ring    click to freeze an instant{ $shown }
timeline = Timeline
timeline-in = IN
now = now
kept-event = Kept { $event }
kept-tip = { $event } at { $time }, older than the ring: kept because it is marked
kept-of = kept { $shown } of { $all }
kept = kept

## Events

of = { $part } of { $all }
panel-events = EVENTS
no-events = No events yet
no-events-remedy = Each MARK (Space) adds one over all cameras
nothing-found = Nothing is found
clear-search = Clear the search to see all events
search-hint = Search (Ctrl+F): words, colour, *3
search-events = Search events
event = Event { $event }
taken = taken
taken-times = taken { $count }x
event-span = { $event }  { $time }, { $secs } s from in to out
event-rated = rated { $rating }, colour { $colour }
colour-none = none
colour-red = red
colour-amber = amber
colour-green = green
colour-blue = blue
colour-violet = violet
keywords = keywords
angles = angles
notes = notes
remove-event = Remove { $event }
colour = Colour { $colour }
colour-tip = Colour: { $colour }. C: the next one
rate = Rate { $stars }
event-name = Event name
hint-name = name
event-notes = Event notes
event-keywords = Event keywords
hint-keywords = keywords, …

## Playlist

elements = { $count } elements   { $time }
holds = HOLDS, N goes on{ "   " }
list-progress = { $holds }{ $time } of { $all }
panel-playlist = PLAYLIST
playlist-empty = The playlist is empty
playlist-remedy = ADD (A): the prepared event. TEMPLATE (T): { $template }
template-name = Template name
template-name-hint = Name of the template, then Enter
loop = LOOP
loop-tip = Begin again at the end instead of returning to live
template-tip = Now: { $template }. A right click, or Shift+T, chooses the next one
element = Element { $number } { $event } { $what }
hold-short = hold
dissolves-in = dissolves in over { $secs } s
begins-cut = begins with a cut
stands-until = , its end stands until NEXT
element-tip = { $words }: { $began }{ $hold }. A click shows its controls, a drag moves it
take-out = Take out { $number }
take-out-tip = Take it out of the list; Ctrl+Z brings it back
slower = Slower
faster = Faster
dissolve = Dissolve { $secs }
cut = Cut
transition-tip = How it begins: cut, or dissolve from the element before; the first begins with a cut
hold = Hold
hold-tip = Its end stands until NEXT
earlier = Earlier
later = Later

## Camera health

cameras-good = { $good } of { $all } good
panel-health = CAMERA HEALTH
health-empty = Their rates, losses and clocks appear here
head-fps = fps
head-drop = drop
head-late = late
head-dup = dup
head-clock = clock ms
health-good = good
health-degraded = degraded
health-lost = LOST
health-waiting = waiting
health-bumped = BUMPED
stand-not-watched = Not watched for bumps: too little to see in its background, or it is on a capture node
stand-stands = Stands where the rig says
stand-unsure = Shows too little to say whether it stands: covered, dark, out of focus or zoomed?
stand-bumped = Bumped: its picture moved by { $px } px. Left out of replays until it stands still and is solved anew
stand-needs-hand = Bumped by { $px } px and cannot be solved anew: turn it back, or calibrate it again. Left out of replays
exposure-tip = Against the middle of all cameras: exposure { $ev } EV, red { $red } %, blue { $blue } %
stand-solved = Was bumped and is solved anew: turned by { $degrees }°, moved by { $mm } mm
health-of = Health of { $camera }: { $state }
health-tip = { $camera }: { $state }. { $count } frames received
nudged = { $camera }: times shifted by { $ms } ms

## Budgets

panel-budgets = BUDGETS
budget-ring-memory = Ring memory
budget-ring-duration = Ring duration
budget-kept = Kept by marks
budget-program = Program picture
budget-preview = Preview picture
budget-disk = On disk
budget-solve = Last solve
budget-per-camera = GPU per camera
budget-output = Output
budget-sinks = Sinks
budget-sound = Sound M / S / I
budget-power = Power
export-waiting = waiting
export-running = writing
export-held = held
export-done = written
export-failed = failed
export-cancelled = cancelled
export-tip = Click: hold or go on; right click: cancel
freeze-live = live
freeze-silence = silence
freeze-tail = tail
of-secs = { $part } of { $all } s
of-ms = { $part } of { $all } ms
solve-meter = { $solve } ms, meter { $meter } ms
counts = dropped { $dropped }   repeated { $repeated }   { $level }: { $why }
not-recorded = not recorded
paused = paused
hours-left = { $hours } h left
minutes-left = { $minutes } min left
oldest-replaced = oldest is replaced
disk-figures = { $part } of { $all }   { $room }
late-count = { "   " }{ $count } late
sinks-running = { $count } running
sinks-away = { $good } of { $all } running, not { $away }
sink-figures = { $state }   { $rate } Mb/s   lost { $lost }
sink-starting = starting
sink-running = running
sink-retrying = retrying
sink-failed = failed
no-gpu = no GPU: real cameras only
gpu-warms = GPU warms up

## Status line

status = Status { $text }
next-cameras = No cameras. Start with `volte demo`, or give a rig and footage: `volte console --help`
next-live = Space marks an instant. ? shows all keys
next-armed = Left and right travel along the arc, up and down in time. P plays. Enter puts it on air, Esc puts it away
next-on-air = Shift+Enter lets it roll on. Esc returns to live

## Palette and keys

palette = Command palette
find-command = Find a command
find-hint = Type a few letters; Up and Down choose, Enter runs, Esc leaves
run = Run { $command }
no-command = No command of that name
no-command-remedy = ? shows those that have keys
keys-map = Map of the keys
keys-title = Keys
keys-away = ? or a click puts this away
keyname-space = Space
keyname-enter = Enter
keyname-esc = Esc
keyname-shift = Shift
keyname-ctrl = Ctrl
keyname-left = Left
keyname-right = Right
keyname-up = Up
keyname-down = Down
keyname-delete = Delete
keyname-page-up = Page up
keyname-page-down = Page down
controls = Control surfaces
controls-hint = Choose a command, then touch the control that shall ask for it
controls-touch = { $command }: touch a control now. Esc stops
controls-last = Touched last: { $control }
no-controls = No control surfaces
no-controls-remedy = Name them in the show file: [control] surfaces, or OSC and HTTP (docs/control.md)
control-of = { $command } on { $control }
control-none = { $command } on no control
control-forget = Forget { $command }

## Widgets

not-now = { " " }(not now)

## Path editor

preset-freeze-orbit = Freeze orbit
preset-bounce = Bounce
preset-whip = Whip
preset-360-loop = 360 loop
preset-roll-through = Roll through
preset-slow = Slow
preset-jump--freeze = Jump, freeze
preset-punch-in = Punch in
preset-slow-orbit = Slow orbit
channel-where = Where
channel-when = When
channel-zoom = Zoom
channel-height = Height
channel-roll = Roll
ease-in-and-out = In and out
ease-even = Even
ease-starts-gently = Starts gently
ease-stops-gently = Stops gently
ease-runs-through = Runs through
path-note = { $name }   { $number } of { $all }   { $secs } s
panel-path = PATH
no-path = No path of your own yet
no-path-remedy = Begin with a preset above: it starts at the prepared position
ring-only = { " " }(a ring of cameras only)
path-name = Path name
path-name-hint = Another name for { $name }, then Enter
next-path = NEXT PATH
name = NAME
name-tip = Another name for this path
shorter = Shorter
shorter-tip = Half a second shorter
longer = Longer
longer-tip = Half a second longer
loop-path = LOOP PATH
loop-path-tip = Its end goes on with its beginning, without a seam; on a ring of cameras
steady = STEADY
steady-tip = Aim exactly at the pivot, with a constant size of the athlete
remove-path = REMOVE
remove-path-tip = Take this path out; Ctrl+Z brings it back
path-hint = A click on a key frame (diamond) chooses it, a drag moves it; a double click on the curve adds one; a click looks there
key-earlier = Key earlier
key-earlier-tip = A tenth of a second earlier
key-later = Key later
key-later-tip = A tenth of a second later
key-lower = Key lower
key-lower-tip = A step lower
key-higher = Key higher
key-higher-tip = A step higher
key-out = Take out key
key-out-tip = Take this key frame out; Ctrl+Z brings it back
ease-tip = How the curve runs from this key frame to the next
path-graph = Path graph { $channel }
path-key = Key { $number } at { $secs } s: { $channel } { $value }
plan = Plan of { $count } cameras with the path
plan-key = Plan key { $number } at { $place }
plan-key-tip = { $key }. Drag it along the arc
plan-note = plan, a dot each half second

## Commands: the names on buttons and in lists; in scripts they have names of their own

command-mark = MARK
    .tip = Freeze the newest instant of all cameras, keep it in the ring as an event and prepare it in preview
command-mark-here = MARK HERE
    .tip = Make an event of the instant in preview, wherever it was jogged to
command-mark-in = IN
    .tip = In point: of the prepared event where preview stands; with none prepared, of a new event at the newest instant
command-mark-out = OUT
    .tip = Out point, likewise; it completes an event that IN began and prepares its beginning
command-last-five = LAST 5 S
    .tip = Make an event of the last five seconds and prepare its beginning
command-last-ten = LAST 10 S
    .tip = Make an event of the last ten seconds and prepare its beginning
command-edit-event = Edit event
    .tip = Rate the prepared event, or give it the next colour; name, keywords and notes are under the list
command-pivot-mode = PIVOT
    .tip = Click the athlete in preview or in any camera's picture of the instant: the orbit turns about that point; again: done
command-pick-pivot = Pivot here
    .tip = Turn about what stands in the middle of preview, or where you click in it
command-graphics = GRAPHICS
    .tip = Lines, planes, circles, distances and pictures in the scene, and a score bug: the list, and clicks into pictures that draw; again: done
command-draw-graphic = Draw
    .tip = Click the points of a graphic in preview or in cameras' pictures of the solved instant
command-edit-graphics = Edit graphics
    .tip = Add, remove, show and hide graphics; their colour, width, words, place and picture
command-clean-feed = CLEAN
    .tip = Clean feed: no graphics on program and in exports; preview keeps them. Again: graphics are back
command-rename = Rename
    .tip = Type another name for the prepared event
command-search = Search
    .tip = Search the events: words, colours, cameras; *3 is a rating of three or more
command-undo = Undo
    .tip = Take the last edit back; never what is on air
command-redo = Redo
    .tip = Make the edit again that was taken back
command-slice = SLICES
    .tip = Three phases of the movement in one picture, a quarter of a second apart; Shift+click the timeline for others; again: one instant
command-free-by = Free camera
    .tip = Leave the cameras' curve: higher and lower, with Shift nearer and farther; the wheel over preview does it too
command-free-to = On the arc
    .tip = Back from the free camera to the cameras' curve
command-take = TAKE
    .tip = Put the prepared replay on program
command-return = RETURN
    .tip = Back to live; when nothing is on air, put the preparation away
command-move-orbit = Orbit
    .tip = Move along the arc, an eighth of a gap at a time
command-step-camera = Next camera
    .tip = Move along the arc to the next real camera
command-set-orbit = Orbit to
    .tip = Drag the orbit bar to put preview at any place of the arc
command-t-bar = T-bar
    .tip = The path by hand: along the arc in preview, along the move on air; with Ctrl through the event's time
command-jog-frames = Jog
    .tip = Move the frozen instant by one frame; with Shift by ten
command-jog-to = Jog to
    .tip = Click the timeline to freeze that instant
command-select-event = Prepare
    .tip = Prepare this event in preview
command-next-event = Next event
    .tip = Prepare the next event of the list
command-previous-event = Previous event
    .tip = Prepare the event before in the list
command-remove-event = Remove
    .tip = Forget this event and free what it kept in the ring
command-select-camera = Live camera
    .tip = Choose the camera that is live, or to which a replay returns; with Shift 11 to 20
command-nudge = Nudge
    .tip = Shift a camera's times by milliseconds against the others, from now on; in the menu of its line in CAMERA HEALTH
command-select-move = Move
    .tip = Choose the move that a take plays
command-next-move = Next move
    .tip = Go to the next move that a take plays
command-play = PLAY
    .tip = Roll preview through the event at the chosen speed, on the nearest camera; again: stop there
command-shuttle = Shuttle
    .tip = J backwards, L forwards, faster each time up to 400 %; K stops, and prepares that instant
command-roll-on = ROLL ON
    .tip = Let the replay on air roll on from what it shows, at the chosen speed; again: stop it there
command-set-speed = Speed
    .tip = Speed of rolls, -400 to 400 %; it also changes the one that rolls
command-step-speed = Slower, faster
    .tip = The next speed from -400 to 400 %
command-add-element = ADD
    .tip = Put the prepared event with the chosen move and speed at the end of the playlist
command-play-list = PLAY LIST
    .tip = Put the playlist on program from its beginning; at its end program returns to live
command-next-element = NEXT
    .tip = On to the next element of the playlist, also where one holds
command-apply-template = TEMPLATE
    .tip = Add what the chosen template makes of the prepared event
command-next-template = Next template
    .tip = Choose the next template
command-save-template = SAVE
    .tip = Make a template of the playlist, for any event: type its name, then Enter; it is kept as a small text
command-edit-playlist = Edit playlist
    .tip = Order, speed, transition and hold of the elements, and whether the list begins again
command-path-editor = PATH
    .tip = Open or close the path editor: your own moves, drawn on the plan of the rig
command-new-path = New path
    .tip = Begin a path of your own from a preset, at the prepared position
command-next-path = Next path
    .tip = Choose the next of your own paths
command-edit-path = Edit path
    .tip = Key frames of the chosen path: where, when, zoom, height, roll, easing; its name, length and loop
command-scrub-path = Scrub path
    .tip = Look along the chosen path in preview, at the frozen instant
command-set-quality = Quality
    .tip = Choose how good and how costly the pictures are; Auto takes what is in time
command-set-matching = Match
    .tip = Exposure and white of the cameras: glide from one to the next, all at a common level, or as they are
command-toggle-heat-map = Heat
    .tip = Show or hide, over preview, how sure each pixel is
command-toggle-real-pixels = Real pixels
    .tip = Nothing but the cameras' own pictures, in preview, on air and in exports; again: back to the ladder
command-set-rung = Rung
    .tip = Choose what a gap shows: full synthesis, soft fade or cut
command-next-rung = Ladder
    .tip = Choose by hand what this gap shows: synthesis, soft fade, cut, then by its score again
command-export = EXPORT
    .tip = Write the prepared replay to a file beside the show
command-edit-exports = Exports
    .tip = Hold, resume or cancel an export of the list
command-add-output = Add output
    .tip = Send program to another address from now on
command-remove-output = Remove output
    .tip = Send program there no longer; the others do not notice
command-set-freeze-sound = Freeze sound
    .tip = What is heard while time stands still: live, silence or a tail
command-save-rig = Save rig
    .tip = Write the rig as it stands now, with bumped cameras where they were solved anew, to a file beside the show
command-controls = Controls
    .tip = MIDI, jog shuttles, game pads: what asks for what; learn it by touching
command-palette = Commands
    .tip = Find a command by typing and run it
command-show-keys = Keys
    .tip = Show or hide the map of the keys
command-full-screen-program = Full screen
    .tip = Program window: full screen or window
