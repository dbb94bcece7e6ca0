# Ce que lit l'opérateur, en français. Les identifiants sont ceux de en.ftl.

## The top line

quality-auto = Auto
quality = Qualité
state = État { $state }
phase-live = DIRECT
phase-armed = ARMÉ
phase-on-air = ANTENNE
house-time = heure de référence   { $fps } im/s
quality-now = { $what }. Maintenant { $level } : { $why }
quality-draft = Brouillon
quality-air = Direct
quality-hero = Max

## Monitors

place-at = à { $camera }
place-between = de { $from } à { $to }  { $percent } %
rolling = DÉFILE { $speed } %, caméra réelle
not-available = INDISPONIBLE
fetching = LECTURE DES IMAGES
real-only = CAMÉRAS RÉELLES SEULES
synthesized-solving = SYNTHÈSE, calcul { $percent } %
real-solving = CAMÉRAS RÉELLES, calcul { $percent } %
real-cameras = CAMÉRAS RÉELLES
ready-share = PRÊT, { $percent } % de synthèse
ready = PRÊT
real-pixels = pixels réels
not-measured = non mesuré   { $rung }
truth = Vérité { $text }
rung-synthesis = synthèse
rung-soft-fade = fondu doux
rung-cut = coupe
empty = vide
press-mark = Appuyez sur MARQUER (Espace) pour figer l'instant le plus récent
press-mark-or-choose = Appuyez sur MARQUER (Espace), ou choisissez un événement à droite
nothing-prepared = Rien n'est préparé
free-jog = navigation libre
preview-picture = Image de prévisualisation
instant-not-available = Cet instant n'est pas disponible
fetching-all = Lecture des images de toutes les caméras
appears-by-itself = L'image apparaît d'elle-même
cameras-missing = { $count } caméras manquent
without = sans { $cameras }
live = direct
live-camera = direct { $camera }
held = aucune caméra : dernière image tenue
nobody-delivers = Aucune caméra ne livre d'images
stands = ARRÊTÉ, caméra réelle
hold-at-end = MAINTIEN à la fin du mouvement
percent-soft = { $percent } %, fondu doux
percent-cut = { $percent } %, coupe
percent-real = { $percent } %, caméras réelles
replay = RALENTI
repeated = { $count } répétées
program-picture = Image du programme
waiting-first = En attente de la première image
bars-until = Le programme montre une mire jusqu'à ce qu'une caméra livre
heat-sure = sûr
heat-fair = moyen
heat-doubtful = douteux
heat-never-seen = jamais vu
t-bar-time = TEMPS
t-bar-time-tip = Le T-bar parcourt le temps de l'événement au lieu de la trajectoire ; Ctrl fait de même

## Orbit bar

panel-orbit = ORBITE
short-full = tout
short-soft = doux
short-cut = coupe
no-orbit = Pas d'orbite
no-orbit-remedy = Il faut deux caméras qui regardent un même sujet : vérifiez avec `volte rig check`
orbit-position = Position sur l'orbite
bridged = , ponté : une caméra manque
measured-at = { $db } dB à { $camera }, { $class }
class-good = bon
class-fair = moyen
class-poor = faible
measured-of = { "    " }mesurées { $done } sur { $all }
why-estimated = estimé
why-measured = mesuré
why-by-hand = à la main
why-real-pixels-only = pixels réels seuls

## Jog

panel-jog = TEMPS  molette
with-keys = { $what }. Touches { $keys }
turns-round = { $what }. Un clic inverse le sens
on-event = sur { $event }
event-frames = { $event } { $frames } images
jog-wheel = Molette
frames = { $frames } images
no-frames = pas encore d'images

## Transport

move-tip = { $what }, { $secs } s. M : le mouvement suivant
short-last-five = 5 S
short-last-ten = 10 S
move-orbit-right = Orbite droite
tip-from-the-prepared-position-along-the-arc-to-the-right = De la position préparée vers la droite de l'arc
move-orbit-left = Orbite gauche
tip-from-the-prepared-position-along-the-arc-to-the-left = De la position préparée vers la gauche de l'arc
move-bounce-right = Rebond droit
tip-to-the-right-and-back = Vers la droite et retour
move-bounce-left = Rebond gauche
tip-to-the-left-and-back = Vers la gauche et retour
move-whip-right = Filé droite
tip-hold--swing-fast-to-the-right--hold = Tenir, filer vers la droite, tenir
move-whip-left = Filé gauche
tip-hold--swing-fast-to-the-left--hold = Tenir, filer vers la gauche, tenir
move-hold = Tenir
tip-stay-at-the-prepared-position = Rester à la position préparée
move-roll = Lecture
tip-play-the-event-from-in-to-out-on-the-nearest-camera--at-the-chosen-speed = Lire l'événement de l'entrée à la sortie sur la caméra la plus proche, à la vitesse choisie
move-freeze-right = Figer droite
tip-roll-up-to-the-marked-instant--freeze-and-travel-right--roll-on-from-there = Lire jusqu'à l'instant marqué, figer et aller à droite, puis reprendre
move-freeze-left = Figer gauche
tip-roll-up-to-the-marked-instant--freeze-and-travel-left--roll-on-from-there = Lire jusqu'à l'instant marqué, figer et aller à gauche, puis reprendre
move-travel = Travelling
tip-play-the-event-while-the-view-travels-right--from-real-camera-to-real-camera = Lire l'événement en passant de caméra réelle en caméra réelle vers la droite
move-full-turn = Tour complet
tip-once-around-the-ring--again-and-again = Un tour de l'anneau, encore et encore
move-still = Arrêt
tip-your-own-path--path--g--edits-it = Votre propre trajectoire ; TRAJET (G) la modifie

## Multiview

cameras-count = { $count } caméras
cameras-lost = { $count } caméras, { $lost } sans image
panel-cameras = CAMÉRAS
no-cameras = Aucune caméra
no-cameras-remedy = Commencez par `volte demo`, ou donnez un rig et des vidéos : `volte console --help`
camera-tile = Caméra { $number } { $name }{ $tally }
waiting = en attente
no-picture = PAS D'IMAGE
lost = perdue
click-returns = Clic : le ralenti reviendra à cette caméra
click-live = Clic : en direct au programme
click-pivot = cliquez l'athlète : l'orbite tourne autour de ce point. X : terminé
no-pivot-now = PIVOT : préparez d'abord un événement, puis cliquez l'athlète

## Free camera

free-camera = LIBRE { $dolly } m plus près, { $height } m plus haut{ $sure }
unsure = { " " }: { $percent } % de l'image { $word }
little-unsure = incertain
some-unsure = incertain, regardez bien
much-unsure = incertain, revenez
back-on-arc = Clic : retour sur la courbe des caméras (Ctrl+Début)
channel-dolly = Approche

## Slices

phases = { $count } phases en une image
phases-solving = phase { $ready } sur { $count } : calcul
slices-off = Clic : de nouveau un seul instant (S)

## Graphics

panel-graphics = GRAPHISMES
choose-tool = choisissez ce que dessinent les clics dans les images
click-points = cliquez { $count } points
points-of = point { $points } sur { $all }
no-graphics = Pas encore de graphisme
no-graphics-remedy = Choisissez un outil, puis cliquez ses points dans une image de l'instant résolu
graphic-line = Ligne
graphic-plane = Plan
graphic-circle = Cercle
graphic-distance = Distance
graphic-image = Image
graphic-words = Mots ou image
graphic-words-hint = des mots, ou un fichier PNG
add-bug = HABILLAGE
add-bug-tip = Mettre ces mots, ou cette image, dans un coin du cadre ; une image prend aussi son fichier dans ce champ
graphic-colour = Couleur de { $name }
graphic-shown = Montrer { $name }
graphic-remove = Retirer { $name }
next-colour = Clic : la couleur suivante
show-hide = Montrer ou cacher
take-graphic-out = Le retirer ; Ctrl+Z le ramène
corners = { $count } coins
click-graphic = cliquez les points du graphisme. D : terminé
clean-feed = SIGNAL PROPRE

## Timeline

panel-timeline = CHRONOLOGIE
nothing-recorded = Rien n'est encore enregistré
recording-begins = L'enregistrement commence de lui-même avec la première image d'une caméra
timeline-shown = { "    " }{ $secs } s visibles, la molette zoome
timeline-note = { $secs } s en mémoire    un clic fige un instant{ $shown }
timeline = Chronologie
timeline-in = ENTRÉE
now = maintenant
kept-event = Gardé { $event }
kept-tip = { $event } à { $time }, plus ancien que la mémoire : gardé parce que marqué
kept-of = gardés { $shown } sur { $all }
kept = gardés

## Events

of = { $part } sur { $all }
panel-events = ÉVÉNEMENTS
no-events = Pas encore d'événements
no-events-remedy = Chaque MARQUER (Espace) en ajoute un sur toutes les caméras
nothing-found = Rien n'est trouvé
clear-search = Effacez la recherche pour voir tous les événements
search-hint = Chercher (Ctrl+F) : mots, couleur, *3
search-events = Chercher des événements
event = Événement { $event }
taken = passé
taken-times = passé { $count }x
event-span = { $event }  { $time }, { $secs } s de l'entrée à la sortie
event-rated = note { $rating }, couleur { $colour }
colour-none = aucune
colour-red = rouge
colour-amber = ambre
colour-green = vert
colour-blue = bleu
colour-violet = violet
keywords = mots-clés
angles = angles
notes = notes
remove-event = Supprimer { $event }
colour = Couleur { $colour }
colour-tip = Couleur : { $colour }. C : la suivante
rate = Noter { $stars }
event-name = Nom de l'événement
hint-name = nom
event-notes = Notes de l'événement
event-keywords = Mots-clés de l'événement
hint-keywords = mots-clés, …

## Playlist

elements = { $count } éléments   { $time }
holds = MAINTIEN, N continue{ "   " }
list-progress = { $holds }{ $time } sur { $all }
panel-playlist = LISTE
playlist-empty = La liste est vide
playlist-remedy = AJOUTER (A) : l'événement préparé. MODÈLE (T) : { $template }
template-name = Nom du modèle
template-name-hint = Nom du modèle, puis Entrée
loop = BOUCLE
loop-tip = Recommencer à la fin au lieu de revenir au direct
template-tip = Maintenant : { $template }. Un clic droit, ou Maj+T, choisit le suivant
element = Élément { $number } { $event } { $what }
hold-short = maintien
dissolves-in = fondu de { $secs } s
begins-cut = commence par une coupe
stands-until = , sa fin reste jusqu'à SUIVANT
element-tip = { $words } : { $began }{ $hold }. Un clic montre ses réglages, un glisser le déplace
take-out = Retirer { $number }
take-out-tip = Le retirer de la liste ; Ctrl+Z le ramène
slower = Plus lent
faster = Plus vite
dissolve = Fondu { $secs }
cut = Cut
transition-tip = Son début : coupe, ou fondu depuis l'élément d'avant ; le premier commence par une coupe
hold = Tenir
hold-tip = Sa fin reste jusqu'à SUIVANT
earlier = Plus tôt
later = Plus tard

## Camera health

cameras-good = { $good } sur { $all } bonnes
panel-health = ÉTAT DES CAMÉRAS
health-empty = Leurs cadences, pertes et horloges apparaissent ici
head-fps = im/s
head-drop = perd.
head-late = tard
head-dup = dbl
head-clock = horl. ms
health-good = bonne
health-degraded = dégradée
health-lost = PERDUE
health-waiting = en attente
health-bumped = HEURTÉE
stand-not-watched = Non surveillée contre les chocs : trop peu de détails à l'arrière-plan, ou sur un nœud de capture
stand-stands = À la place que dit le rig
stand-unsure = Montre trop peu pour dire si elle est en place : couverte, sombre, floue ou zoomée ?
stand-bumped = Heurtée : son image a bougé de { $px } px. Laissée hors des ralentis jusqu'à ce qu'elle soit immobile et recalée
stand-needs-hand = Heurtée de { $px } px et impossible à recaler : remettez-la en place, ou calibrez-la à nouveau. Laissée hors des ralentis
exposure-tip = Par rapport au milieu de toutes les caméras : exposition { $ev } EV, rouge { $red } %, bleu { $blue } %
stand-solved = Heurtée puis recalée : tournée de { $degrees }°, déplacée de { $mm } mm
health-of = État de { $camera } : { $state }
health-tip = { $camera } : { $state }. { $count } images reçues
nudged = { $camera } : temps décalés de { $ms } ms

## Budgets

panel-budgets = BUDGETS
budget-ring-memory = Mémoire
budget-ring-duration = Durée en mémoire
budget-kept = Gardé par les marques
budget-program = Image programme
budget-preview = Image prévisu.
budget-disk = Sur disque
budget-solve = Dernier calcul
budget-per-camera = GPU par caméra
budget-output = Sortie
budget-sinks = Destinations
budget-sound = Son M / S / I
budget-power = Puissance
export-waiting = en attente
export-running = écriture
export-held = suspendu
export-done = écrit
export-failed = échec
export-cancelled = annulé
export-tip = Clic : suspendre ou reprendre ; clic droit : annuler
freeze-live = direct
freeze-silence = silence
freeze-tail = fondu
of-secs = { $part } sur { $all } s
of-ms = { $part } sur { $all } ms
solve-meter = { $solve } ms, mesure { $meter } ms
counts = perdues { $dropped }   répétées { $repeated }   { $level } : { $why }
not-recorded = pas enregistré
paused = en pause
hours-left = { $hours } h restantes
minutes-left = { $minutes } min restantes
oldest-replaced = le plus ancien est remplacé
disk-figures = { $part } sur { $all }   { $room }
late-count = { "   " }{ $count } en retard
sinks-running = { $count } actives
sinks-away = { $good } sur { $all } actives, sauf { $away }
sink-figures = { $state }   { $rate } Mb/s   perdues { $lost }
sink-starting = démarre
sink-running = active
sink-retrying = réessaie
sink-failed = en panne
no-gpu = pas de GPU : caméras réelles seules
gpu-warms = le GPU démarre

## Status line

status = Statut { $text }
next-cameras = Aucune caméra. Commencez par `volte demo`, ou donnez un rig et des vidéos : `volte console --help`
next-live = Espace marque un instant. ? montre toutes les touches
next-armed = Gauche et droite suivent l'arc, haut et bas le temps. P lit. Entrée met à l'antenne, Échap abandonne
next-on-air = Maj+Entrée laisse défiler. Échap revient au direct

## Palette and keys

palette = Palette de commandes
find-command = Trouver une commande
find-hint = Tapez quelques lettres ; haut et bas choisissent, Entrée exécute, Échap quitte
run = Exécuter { $command }
no-command = Aucune commande de ce nom
no-command-remedy = ? montre celles qui ont une touche
keys-map = Carte des touches
keys-title = Touches
keys-away = ? ou un clic referme
keyname-space = Espace
keyname-enter = Entrée
keyname-esc = Échap
keyname-shift = Maj
keyname-ctrl = Ctrl
keyname-left = Gauche
keyname-right = Droite
keyname-up = Haut
keyname-down = Bas
keyname-delete = Suppr
keyname-page-up = Page préc.
keyname-page-down = Page suiv.
controls = Surfaces de contrôle
controls-hint = Choisissez une commande, puis touchez le contrôle qui doit la demander
controls-touch = { $command } : touchez un contrôle maintenant. Échap arrête
controls-last = Dernier touché : { $control }
no-controls = Aucune surface de contrôle
no-controls-remedy = Nommez-les dans le fichier de production : [control] surfaces, ou OSC et HTTP (docs/control.md)
control-of = { $command } sur { $control }
control-none = { $command } sur aucun contrôle
control-forget = Oublier { $command }

## Widgets

not-now = { " " }(pas maintenant)

## Path editor

preset-freeze-orbit = Orbite figée
preset-bounce = Rebond
preset-whip = Filé
preset-360-loop = Boucle 360
preset-roll-through = Traversée
preset-slow = Ralenti
preset-jump--freeze = Saut figé
preset-punch-in = Zoom sec
preset-slow-orbit = Orbite lente
channel-where = Où
channel-when = Quand
channel-zoom = Zoom
channel-height = Hauteur
channel-roll = Roulis
ease-in-and-out = Doux-doux
ease-even = Régulier
ease-starts-gently = Départ doux
ease-stops-gently = Arrêt doux
ease-runs-through = Passe au travers
path-note = { $name }   { $number } sur { $all }   { $secs } s
panel-path = TRAJET
no-path = Pas encore de trajectoire à vous
no-path-remedy = Commencez par un préréglage ci-dessus : il part de la position préparée
ring-only = { " " }(anneau de caméras seulement)
path-name = Nom de la trajectoire
path-name-hint = Un autre nom pour { $name }, puis Entrée
next-path = SUIVANTE
name = NOM
name-tip = Un autre nom pour cette trajectoire
shorter = Plus court
shorter-tip = Une demi-seconde plus court
longer = Plus long
longer-tip = Une demi-seconde plus long
loop-path = BOUCLER
loop-path-tip = Sa fin rejoint son début, sans raccord visible ; sur un anneau de caméras
steady = STABLE
steady-tip = Viser exactement le pivot, avec une taille constante de l'athlète
remove-path = SUPPRIMER
remove-path-tip = Retirer cette trajectoire ; Ctrl+Z la ramène
path-hint = Un clic sur une clé (losange) la choisit, un glisser la déplace ; un double clic en ajoute une ; un clic regarde là
key-earlier = Clé plus tôt
key-earlier-tip = Un dixième de seconde plus tôt
key-later = Clé plus tard
key-later-tip = Un dixième de seconde plus tard
key-lower = Clé plus bas
key-lower-tip = Un pas plus bas
key-higher = Clé plus haut
key-higher-tip = Un pas plus haut
key-out = Retirer la clé
key-out-tip = Retirer cette clé ; Ctrl+Z la ramène
ease-tip = Comment la courbe va de cette clé à la suivante
path-graph = Courbe { $channel }
path-key = Clé { $number } à { $secs } s : { $channel } { $value }
plan = Plan de { $count } caméras avec la trajectoire
plan-key = Clé du plan { $number } à { $place }
plan-key-tip = { $key }. Faites-la glisser le long de l'arc
plan-note = plan, un point par demi-seconde

## Commands: the names on buttons and in lists; in scripts they have names of their own

command-mark = MARQUER
    .tip = Figer l'instant le plus récent de toutes les caméras, le garder comme événement et le préparer
command-mark-here = MARQUER ICI
    .tip = Faire un événement de l'instant en prévisualisation, où qu'il soit
command-mark-in = ENTRÉE
    .tip = Point d'entrée : de l'événement préparé ; sans événement, d'un nouveau à l'instant le plus récent
command-mark-out = SORTIE
    .tip = Point de sortie, de même ; il complète l'événement qu'ENTRÉE a commencé et en prépare le début
command-last-five = 5 DERNIÈRES S
    .tip = Faire un événement des cinq dernières secondes et en préparer le début
command-last-ten = 10 DERNIÈRES S
    .tip = Faire un événement des dix dernières secondes et en préparer le début
command-edit-event = Modifier l'événement
    .tip = Noter l'événement préparé, ou lui donner la couleur suivante ; nom, mots-clés et notes sont sous la liste
command-pivot-mode = PIVOT
    .tip = Cliquer l'athlète dans la prévisualisation ou dans l'image de n'importe quelle caméra : l'orbite tourne autour de ce point ; encore : terminé
command-pick-pivot = Pivot ici
    .tip = Tourner autour de ce qui est au milieu de la prévisualisation, ou là où l'on y clique
command-graphics = GRAPHISMES
    .tip = Lignes, plans, cercles, distances et images dans la scène, et un habillage : la liste, et des clics dans les images qui dessinent ; encore : terminé
command-draw-graphic = Dessiner
    .tip = Cliquez les points d'un graphisme dans la prévisualisation ou dans les images des caméras de l'instant résolu
command-edit-graphics = Modifier les graphismes
    .tip = Ajouter, retirer, montrer et cacher des graphismes ; leur couleur, largeur, mots, place et image
command-clean-feed = PROPRE
    .tip = Signal propre : pas de graphismes au programme et dans les exports ; la prévisualisation les garde. Encore : ils reviennent
command-rename = Renommer
    .tip = Donner un autre nom à l'événement préparé
command-search = Chercher
    .tip = Chercher des événements : mots, couleurs, caméras ; *3 est une note de trois ou plus
command-undo = Annuler
    .tip = Annuler la dernière modification ; jamais ce qui est à l'antenne
command-redo = Refaire
    .tip = Refaire la modification annulée
command-slice = PHASES
    .tip = Trois phases du mouvement en une image, à un quart de seconde ; Maj+clic dans la chronologie pour d'autres ; encore : un seul instant
command-free-by = Caméra libre
    .tip = Quitter la courbe des caméras : plus haut et plus bas, avec Maj plus près et plus loin ; la molette sur la prévisualisation aussi
command-free-to = Sur l'arc
    .tip = De la caméra libre, retour sur la courbe des caméras
command-take = TAKE
    .tip = Mettre le ralenti préparé au programme
command-return = RETOUR
    .tip = Retour au direct ; si rien n'est à l'antenne, abandonner la préparation
command-move-orbit = Orbite
    .tip = Avancer le long de l'arc, un huitième d'intervalle à la fois
command-step-camera = Caméra suivante
    .tip = Aller à la caméra réelle suivante de l'arc
command-set-orbit = Orbite à
    .tip = Glisser la barre d'orbite vers n'importe quel point de l'arc
command-t-bar = T-bar
    .tip = La trajectoire à la main : le long de l'arc dans la prévisualisation, du mouvement à l'antenne ; avec Ctrl, le temps de l'événement
command-jog-frames = Image par image
    .tip = Déplacer l'instant figé d'une image ; avec Maj de dix
command-jog-to = Aller à
    .tip = Cliquer la chronologie pour figer cet instant
command-select-event = Préparer
    .tip = Préparer cet événement en prévisualisation
command-next-event = Événement suivant
    .tip = Préparer l'événement suivant de la liste
command-previous-event = Événement précédent
    .tip = Préparer l'événement précédent de la liste
command-remove-event = Supprimer
    .tip = Oublier cet événement et libérer ce qu'il gardait en mémoire
command-select-camera = Caméra en direct
    .tip = Choisir la caméra en direct, ou celle où revient un ralenti ; avec Maj 11 à 20
command-nudge = Décaler
    .tip = Décaler les temps d'une caméra de quelques millisecondes par rapport aux autres, dès maintenant ; dans le menu de sa ligne
command-select-move = Mouvement
    .tip = Choisir le mouvement que joue TAKE
command-next-move = Mouvement suivant
    .tip = Passer au mouvement suivant que joue TAKE
command-play = LIRE
    .tip = Lire l'événement à la vitesse choisie sur la caméra la plus proche ; encore : s'arrêter là
command-shuttle = Shuttle
    .tip = J en arrière, L en avant, plus vite à chaque fois jusqu'à 400 % ; K arrête et prépare cet instant
command-roll-on = RETAKE
    .tip = Laisser défiler le ralenti à l'antenne depuis ce qu'il montre, à la vitesse choisie ; encore : l'arrêter là
command-set-speed = Vitesse
    .tip = Vitesse des lectures, de -400 à 400 % ; change aussi celle qui défile
command-step-speed = Plus lent, plus vite
    .tip = La vitesse suivante de -400 à 400 %
command-add-element = AJOUTER
    .tip = Mettre l'événement préparé avec le mouvement et la vitesse choisis à la fin de la liste
command-play-list = JOUER LISTE
    .tip = Mettre la liste au programme depuis son début ; à sa fin le programme revient au direct
command-next-element = SUIVANT
    .tip = Passer à l'élément suivant de la liste, aussi là où un élément tient
command-apply-template = MODÈLE
    .tip = Ajouter ce que le modèle choisi fait de l'événement préparé
command-next-template = Modèle suivant
    .tip = Choisir le modèle suivant
command-save-template = GARDER
    .tip = Faire de la liste un modèle pour tout événement : taper son nom, puis Entrée ; il est gardé comme petit texte
command-edit-playlist = Modifier la liste
    .tip = Ordre, vitesse, transition et tenue des éléments, et si la liste recommence
command-path-editor = TRAJET
    .tip = Ouvrir ou fermer l'éditeur de trajectoires : vos propres mouvements, dessinés sur le plan du rig
command-new-path = Nouvelle trajectoire
    .tip = Commencer une trajectoire à vous depuis un préréglage, à la position préparée
command-next-path = Trajectoire suivante
    .tip = Choisir la suivante de vos trajectoires
command-edit-path = Modifier la trajectoire
    .tip = Clés de la trajectoire choisie : où, quand, zoom, hauteur, roulis, allure ; nom, durée et boucle
command-scrub-path = Parcourir la trajectoire
    .tip = Regarder le long de la trajectoire choisie, à l'instant figé
command-set-quality = Qualité des images
    .tip = Choisir la qualité et le coût des images ; Auto prend ce qui tient le temps
command-set-matching = Accorder
    .tip = Exposition et blanc des caméras : glisser de l'une à l'autre, toutes à un niveau commun, ou telles quelles
command-toggle-heat-map = Chaleur
    .tip = Montrer ou cacher, sur la prévisualisation, la certitude de chaque pixel
command-toggle-real-pixels = Pixels réels
    .tip = Rien que les images des caméras, en prévisualisation, à l'antenne et en export ; encore : retour à l'échelle
command-set-rung = Échelon
    .tip = Choisir ce que montre un intervalle : synthèse, fondu doux ou coupe
command-next-rung = Échelle
    .tip = Choisir à la main ce que montre cet intervalle : synthèse, fondu doux, coupe, puis selon sa mesure
command-export = EXPORTER
    .tip = Écrire le ralenti préparé dans un fichier
command-edit-exports = Exports
    .tip = Suspendre, reprendre ou annuler un export de la liste
command-add-output = Ajouter une sortie
    .tip = Envoyer aussi le programme à une autre adresse
command-remove-output = Retirer une sortie
    .tip = Ne plus y envoyer le programme ; les autres ne s'en aperçoivent pas
command-set-freeze-sound = Son de l'arrêt
    .tip = Ce qu'on entend quand le temps s'arrête : direct, silence ou fondu
command-save-rig = Enregistrer le rig
    .tip = Écrire dans un fichier à côté du show le rig tel qu'il est, avec les caméras heurtées là où elles ont été recalées
command-controls = Contrôles
    .tip = MIDI, jog shuttles, manettes : qui demande quoi ; s'apprend en touchant
command-palette = Commandes
    .tip = Trouver une commande en tapant et l'exécuter
command-show-keys = Touches
    .tip = Montrer ou cacher la carte des touches
command-full-screen-program = Plein écran
    .tip = Fenêtre du programme : plein écran ou fenêtre
